import JSON

extension Job {
    /// Of a result and of what comes before it: member `metadata` of the object that is being written, if there is any, in
    /// the order of its keys as bytes.
    static func writeEcho(of metadata: [Metadatum], to text: inout JSONText) {
        guard !metadata.isEmpty else { return }
        text.name("metadata")
        text.begin(.object)
        for datum in metadata.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            text.name(datum.key)
            text.string(datum.value)
        }
        text.end(.object)
    }
}
