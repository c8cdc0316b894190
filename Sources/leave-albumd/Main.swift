import CLI

@main
struct Main {
    static func main() { Commands.main() }
}
