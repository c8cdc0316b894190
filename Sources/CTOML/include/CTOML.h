// The door to toml++: one C function over a C++ parser.
#ifndef CTOML_H
#define CTOML_H
#endif
