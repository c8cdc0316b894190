import Glibc
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
            exit(ExitStatus.usage.rawValue)
        }
        switch invocation {
        case .help(let text):
            StandardStream.output.write(text)
            exit(ExitStatus.done.rawValue)
        case .run(let parsed):
            Commands.run(parsed)
        }
    }
}
