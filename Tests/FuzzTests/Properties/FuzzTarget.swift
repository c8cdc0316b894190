/// What is fuzzed. A target's name is that of its corpus.
enum FuzzTarget: String, CaseIterable {
    case jobs
    case settings
    case answers
    case frames
    case deadLetters

    /// What is wrong with the program, as this input shows it.
    func reports(_ bytes: [UInt8]) -> [String] {
        switch self {
        case .jobs: JobProperty.reports(bytes)
        case .settings: SettingsProperty.reports(bytes)
        case .answers: AnswerProperty.reports(bytes)
        case .frames: FrameProperty.reports(bytes)
        case .deadLetters: DeadLetterProperty.reports(bytes)
        }
    }
}
