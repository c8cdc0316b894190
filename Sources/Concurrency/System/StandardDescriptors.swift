import CLinux
import Glibc

/// Descriptors 0, 1 and 2 of this process.
public enum StandardDescriptors {
    /// Opens on `/dev/null` those that are closed. First thing in `main`: whatever is opened before it gets their
    /// numbers, and then log lines go into somebody's file, socket or eventfd.
    public static func openClosed() throws(SystemCallError) {
        // In their order: open(2) gives the lowest number that is free.
        for number: Int32 in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where CLinux_descriptor_flags(number) < 0 {
            // Programs that are started inherit it, so it is not closed on exec.
            // What is printed into a closed output is lost, and is said to be: a write fails as it would have.
            let mode = number == STDOUT_FILENO ? O_RDONLY : O_RDWR
            guard CLinux_open("/dev/null", mode, 0) == number else {
                throw SystemCallError("opening /dev/null for closed descriptor \(number)")
            }
        }
    }
}
