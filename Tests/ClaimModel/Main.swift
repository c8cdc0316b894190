import Glibc

/// `claim-model` explores every scenario, and then looks for what is wrong with every mutant. It fails if a scenario
/// breaks a property, or if a mutant breaks none. `--traces` shows how a mutant comes to that, `--whole` explores more,
/// and `--all-times` what is the same but for times that nobody asks for.
@main struct Main {
    private struct Report: Sendable {
        var text: String
        var isRight: Bool
    }

    private enum Subject {
        case scenario(Scenario)
        case mutant(Mutant)
    }

    static func main() async {
        let arguments = CommandLine.arguments
        let (showsTraces, keepsAllTimes) = (arguments.contains("--traces"), arguments.contains("--all-times"))
        let began = ContinuousClock.now
        let scenarios = Scenario.all + (arguments.contains("--whole") ? Scenario.whole : [])
        let reports = await reports(
            of: scenarios.map { .scenario($0) } + Mutant.allCases.map { .mutant($0) }
        ) { subject in
            switch subject {
            case .scenario(let scenario): explore(scenario, keepsAllTimes)
            case .mutant(let mutant): hunt(mutant, keepsAllTimes, showsTrace: showsTraces)
            }
        }
        let seconds = (ContinuousClock.now - began).components.seconds
        let wrong = reports.count { !$0.isRight }
        print("\(scenarios.count) scenarios, \(Mutant.allCases.count) mutants, \(seconds) s: \(wrong) wrong")
        exit(wrong == 0 ? 0 : 1)
    }

    /// As many at a time as there are cores; what they find is printed in their order.
    private static func reports(
        of subjects: [Subject], _ report: @escaping @Sendable (Subject) -> Report
    ) async -> [Report] {
        await withTaskGroup(of: (Int, Report).self) { group in
            for (index, subject) in subjects.enumerated() {
                group.addTask { @concurrent in (index, report(subject)) }
            }
            var reports: [Int: Report] = [:]
            for await (index, report) in group { reports[index] = report }
            let inOrder = subjects.indices.compactMap { reports[$0] }
            for report in inOrder { print(report.text) }
            return inOrder
        }
    }

    private static func explore(_ scenario: Scenario, _ keepsAllTimes: Bool) -> Report {
        var explorer = Explorer(Model(scenario, mutant: nil, keepsAllTimes: keepsAllTimes))
        let violation = explorer.run()
        var text = "\(scenario.name): \(explorer.states) states, \(explorer.steps) transitions"
        if let violation { text += ": \(violation.property.rawValue)\n" + steps(violation.trace) }
        return Report(text: text, isRight: violation == nil)
    }

    private static func hunt(_ mutant: Mutant, _ keepsAllTimes: Bool, showsTrace: Bool) -> Report {
        let scenario = Scenario(for: mutant)
        var explorer = Explorer(Model(scenario, mutant: mutant, keepsAllTimes: keepsAllTimes))
        guard let violation = explorer.run() else {
            let size = "\(explorer.states) states of \(scenario.name)"
            return Report(text: "mutant: \(mutant.rawValue): SURVIVES \(size)", isRight: false)
        }
        var text = "mutant: \(mutant.rawValue): \(violation.property.rawValue), by \(violation.trace.count) steps"
        if showsTrace { text += "\n" + steps(violation.trace) }
        return Report(text: text, isRight: true)
    }

    private static func steps(_ trace: [Transition]) -> String {
        var isRenamed = false
        return trace.map { step in
            let name = step.worker.map { ($0 == 0) != isRenamed ? "A" : "B" } ?? " "
            isRenamed = isRenamed != step.isRenamed
            return "    \(name) \(step.action)"
        }.joined(separator: "\n")
    }
}
