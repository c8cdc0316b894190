extension Unicode.Scalar {
    /// Characters that change how text around them is shown or read, and so have no place in names and log lines:
    /// C0, DEL and C1 controls, line and paragraph separators, marks, embeddings and isolates of direction.
    public var isControl: Bool {
        switch value {
        case 0x00...0x1F, 0x7F...0x9F, 0x2028...0x2029, 0x061C, 0x200E...0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
