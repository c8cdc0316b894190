import Concurrency
import Service
import Terminal

extension Commands {
    /// The whole of the program: reads the command line and does what it says.
    package static func main() -> Never {
        do throws(SystemCallError) {
            try StandardDescriptors.openClosed()
        } catch {
            StandardStream.error.write("leave-albumd: \(error)\n")
            end(.tryAgainLater)
        }
        Signals.block()
        let line = CommandLine.arguments
        // The runtime reads them from /proc, and cannot without a descriptor.
        if line.isEmpty, let shortage = DescriptorShortage.now() {
            StandardStream.error.write("leave-albumd: \(shortage)\n")
            end(.tryAgainLater)
        }
        let arguments = Array(line.dropFirst())
        let invocation: Invocation
        do throws(UsageError) {
            invocation = try program.specification.parse(arguments)
        } catch {
            StandardStream.error.write(error.description + "\n")
            end(.usage)
        }
        switch invocation {
        case .help(let text):
            StandardStream.output.write(text)
            end(.done)
        case .version:
            StandardStream.output.write("leave-albumd \(version)\n")
            end(.done)
        case .run(let parsed):
            run(parsed)
        }
    }
}
