/// What is fuzzed. A target's name is that of its corpus.
enum FuzzTarget: String, CaseIterable {
    case jobs
    case settings
    case answers
    case frames
    case letters

    /// What is wrong with the program, as this input shows it.
    func findings(_ bytes: [UInt8]) -> [String] {
        switch self {
        case .jobs: JobProperty.findings(bytes)
        case .settings: SettingsProperty.findings(bytes)
        case .answers: AnswerProperty.findings(bytes)
        case .frames: FrameProperty.findings(bytes)
        case .letters: DeadLetterProperty.findings(bytes)
        }
    }
}
