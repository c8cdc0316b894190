/// The command line.
struct SimulatorOptions: Sendable {
    var host = "127.0.0.1"
    var port: UInt16 = 0
    var portFile: String?
    var journalFile: String?
    var endsFile: String?
    var albumsFile: String?
    var autoMembers = false
    var anyToken = false
    var latencyMilliseconds = 0
    var seed: UInt64 = 1

    enum Outcome {
        case run(SimulatorOptions)
        case help
        case version
        case wrong(String)
    }

    static func parse(_ arguments: [String]) -> Outcome {
        var options = SimulatorOptions()
        var rest = arguments[...]
        while let name = rest.popFirst() {
            switch name {
            case "--help", "-h": return .help
            case "--version": return .version
            case "--auto-members": options.autoMembers = true
            case "--any-token": options.anyToken = true
            case "--listen", "--port-file", "--journal", "--ends", "--albums", "--latency", "--seed":
                guard let value = rest.popFirst() else { return .wrong("\(name) needs a value") }
                guard options.set(name, value) else { return .wrong("\(name) cannot be \(value)") }
            default: return .wrong("unknown option \(name)")
            }
        }
        return .run(options)
    }

    private mutating func set(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--listen":
            guard let colon = value.lastIndex(of: ":"), let port = UInt16(value[value.index(after: colon)...]) else {
                return false
            }
            host = String(value[..<colon])
            self.port = port
        case "--port-file": portFile = value
        case "--journal": journalFile = value
        case "--ends": endsFile = value
        case "--albums": albumsFile = value
        case "--latency":
            let digits = value.hasSuffix("ms") ? value.dropLast(2) : value[...]
            guard let milliseconds = Int(digits), milliseconds >= 0 else { return false }
            latencyMilliseconds = milliseconds
        default:
            guard let seed = UInt64(value) else { return false }
            self.seed = seed
        }
        return true
    }

    static let help = """
        usage: photos-simulator [options]

        Behaves like the shared-album methods of the Photos Library API, on 127.0.0.1, for tests and trials.

          --listen HOST:PORT   where; port 0 (default) is a free one
          --port-file FILE     write the port there when ready
          --journal FILE       append each call as a JSON line, before it is answered
          --ends FILE          append when each call was over, with its sequence in the journal, as a JSON line
          --albums FILE        JSON lines {"token","owner","members":[…]}
          --auto-members       a share token that begins with album- is an album that everybody has joined
          --any-token          a bearer is the account's name; else it is sim:<account> or a registered one
          --latency N[ms]      before each answer
          --seed N             of the random faults
          --version            print the version

        POST /v1/sharedAlbums:leave and :join {"shareToken"}, GET /v1/sharedAlbums/TOKEN,
        POST /v1/albums/ID:share, each with Authorization: Bearer …; POST /token for refresh tokens

        POST   /_simulator/albums    as in the file
        POST   /_simulator/tokens    {"token","account"} or {"token","dead":true}
        POST   /_simulator/grants    {"refreshToken","account","rotate"?,"strict"?,"expiresIn"?,"scope"?,"error"?,
                                    "errorSubtype"?}
        POST   /_simulator/client    {"secrets":[…]}: what the token endpoint accepts
                                     or {"refreshToken","revoked":true}
        POST   /_simulator/faults    {"token"?,"account"?,"method"?,"count"?,"probability"?,"fields"?,"actions":[…]}
                                     action: {"wording":NAME} | {"status":N,"body":TEXT}
                                     | {"fault":"close"|"reset"|"stall"|"truncated_headers"|"partial_body"|"junk"
                                        |"delay","applied":BOOL,"milliseconds":N}
        DELETE /_simulator/faults[?id=N]
        GET    /_simulator/journal[?after=N], /_simulator/counters, /_simulator/wordings
        """
}
