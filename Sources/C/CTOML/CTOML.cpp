#include "CTOML.h"

#include <deque>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// Syntax errors come back as values; nothing may throw through Swift's frames.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_UNRELEASED_FEATURES 0
// Its assertions stand in front of its own errors: `[:a]` would end the process, and so would the SIGHUP that reads it.
// Without NDEBUG, because with it the compiler may assume what is asserted.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

namespace {

struct Owner {
    std::vector<CTOML_node> nodes;
    // A deque never moves what it holds, so pointers into its strings stay good.
    std::deque<std::string> texts;
    std::string error;

    const char *keep(std::string_view text) { return texts.emplace_back(text).c_str(); }
};

CTOML_kind kind(const toml::node &node) {
    switch (node.type()) {
    case toml::node_type::table: return CTOML_TABLE;
    case toml::node_type::array: return CTOML_ARRAY;
    case toml::node_type::string: return CTOML_STRING;
    case toml::node_type::integer: return CTOML_INTEGER;
    case toml::node_type::floating_point: return CTOML_FLOAT;
    case toml::node_type::boolean: return CTOML_BOOLEAN;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time:
    case toml::node_type::none: break;
    }
    return CTOML_DATE_TIME;
}

template <typename T> std::string printed(const T &value) {
    std::ostringstream stream;
    stream << value;
    return stream.str();
}

std::string dateTimeText(const toml::node &node) {
    if (const auto *date = node.as_date()) return printed(date->get());
    if (const auto *time = node.as_time()) return printed(time->get());
    if (const auto *both = node.as_date_time()) return printed(both->get());
    return {};
}

// Recursion is bounded by the document's size, which the caller bounds.
void flatten(Owner &owner, const toml::node &node, const toml::key *key, size_t parent) {
    const size_t index = owner.nodes.size();
    CTOML_node flat = {};
    flat.parent = parent;
    flat.kind = kind(node);
    if (key) {
        flat.key = owner.keep(key->str());
        flat.key_length = key->str().size();
        flat.key_line = key->source().begin.line;
        flat.key_column = key->source().begin.column;
    }
    flat.line = node.source().begin.line;
    flat.column = node.source().begin.column;
    if (const auto *string = node.as_string()) {
        flat.text = owner.keep(string->get());
        flat.text_length = string->get().size();
    } else if (const auto *integer = node.as_integer()) {
        flat.integer = integer->get();
    } else if (const auto *floating = node.as_floating_point()) {
        flat.floating = floating->get();
    } else if (const auto *boolean = node.as_boolean()) {
        flat.boolean = boolean->get();
    } else if (flat.kind == CTOML_DATE_TIME) {
        const std::string text = dateTimeText(node);
        flat.text = owner.keep(text);
        flat.text_length = text.size();
    }
    owner.nodes.push_back(flat);

    if (const auto *table = node.as_table()) {
        for (auto &&[name, child] : *table) flatten(owner, child, &name, index);
    } else if (const auto *array = node.as_array()) {
        for (auto &&child : *array) flatten(owner, child, nullptr, index);
    }
}

} // namespace

extern "C" CTOML_document CTOML_parse(const char *text, size_t length) {
    auto *owner = new Owner();
    CTOML_document document = {};
    document.owner = owner;
    const auto result = toml::parse(std::string_view(text, length));
    if (result) {
        flatten(*owner, result.table(), nullptr, 0);
        document.nodes = owner->nodes.data();
        document.count = owner->nodes.size();
    } else {
        owner->error = std::string(result.error().description());
        document.error = owner->error.data();
        document.error_line = result.error().source().begin.line;
        document.error_column = result.error().source().begin.column;
    }
    return document;
}

extern "C" void CTOML_free(CTOML_document document) { delete static_cast<Owner *>(document.owner); }
