import Service
import Settings
import Terminal
import Threads

@main
struct Main {
    static func main() {
        do throws(SystemCallError) {
            try StandardDescriptors.openClosed()
        } catch {
            StandardStream.error.write("leave-albumd: \(error)\n")
            Commands.end(.tryAgainLater)
        }
        Signals.block()
        let words = CommandLine.arguments
        // The runtime reads them from /proc, and cannot without a descriptor.
        if words.isEmpty, let shortage = DescriptorShortage.now() {
            StandardStream.error.write("leave-albumd: \(shortage)\n")
            Commands.end(.tryAgainLater)
        }
        let arguments = Array(words.dropFirst())
        let invocation: Invocation
        do throws(UsageError) {
            invocation = try Commands.program.specification.parse(arguments)
        } catch {
            StandardStream.error.write(error.description + "\n")
            Commands.end(.usage)
        }
        switch invocation {
        case .help(let text):
            StandardStream.output.write(text)
            Commands.end(.done)
        case .version:
            StandardStream.output.write("leave-albumd \(Commands.version)\n")
            Commands.end(.done)
        case .run(let parsed):
            Commands.run(parsed)
        }
    }
}
