extension Unicode.Scalar {
    /// C0, C1, line and paragraph separators, and what turns the writing direction: nothing of it may be in a name,
    /// or reach a terminal or a log.
    var isControl: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: properties.isBidiControl
        }
    }
}
