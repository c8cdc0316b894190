import Glibc

/// This process, as others see it.
enum ProcessIdentity {
    static var pid: Int32 { getpid() }
}
