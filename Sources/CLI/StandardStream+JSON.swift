import JSON
import Terminal

extension StandardStream {
    /// One line.
    func write(json: JSONValue) {
        write(String(decoding: json.encoded(), as: UTF8.self) + "\n")
    }
}
