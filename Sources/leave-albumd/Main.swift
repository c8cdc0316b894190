import Service
import Settings
import Terminal

@main
struct Main {
    static func main() {
        Signals.block()
        let arguments = Array(CommandLine.arguments.dropFirst())
        let invocation: Invocation
        do throws(UsageError) {
            invocation = try Commands.specification.parse(arguments)
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
