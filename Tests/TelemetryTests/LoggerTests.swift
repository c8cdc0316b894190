import Clocks
import Concurrency
import Testing

@testable import Telemetry

@Suite(.timeLimit(.minutes(30))) struct LoggerTests {
    private let said = SaidLines()
    private let clock = SteppedClock()

    private func logger(_ level: LogLevel) -> Logger {
        Logger(control: LogControl(level: level), clock: clock) { [said] in said.add($0) }
    }

    @Test func whatIsBelowTheLevelIsNotEvenMade() {
        let made = Lock(0)
        let logger = logger(.notice)
        func message(_ text: String) -> String {
            made.withLock { $0 += 1 }
            return text
        }
        logger.debug(message("a"))
        logger.info(message("b"))
        logger.logEach(.trace, message("c"))
        logger.logEach(.info, message("x"))
        logger.notice(message("d"))
        logger.logEach(.critical, message("e"))
        #expect(said.message == ["notice d", "critical e"])
        #expect(made.withLock { $0 } == 2)
        #expect(logger.isEnabled(.notice) && !logger.isEnabled(.info))
    }

    @Test func levelAndHashingChangeForEveryCopyWhileItRuns() {
        let logger = logger(.info)
        let copy = logger
        copy.debug("a")
        logger.control.level = .debug
        copy.debug("b")
        logger.control.level = .error
        copy.warning("c")
        logger.control.hashesAccounts = true
        #expect(said.message == ["debug b"])
        #expect(copy.control.level == .error && copy.control.hashesAccounts)
    }

    @Test(arguments: LogLevel.allCases)
    func aLevelIsWhatItWasSetTo(level: LogLevel) {
        let control = LogControl(level: level)
        #expect(control.level == level)
        #expect(control.showsCode == (level <= .debug))
        #expect(LogLevel.allCases.filter { control.permits($0) } == LogLevel.allCases.filter { $0 >= level })
    }

    @Test func aLineKnowsWhereItWasSaid() {
        let logger = logger(.trace)
        logger.warning("a"); let line = #line
        logger.info("b")
        logger.debug("c")
        #expect(said.lines.map(\.location.file) == Array(repeating: #fileID, count: 3))
        #expect(said.lines.map(\.location.line) == [line, line + 1, line + 2])
        #expect(said.lines.allSatisfy { $0.location.function == "aLineKnowsWhereItWasSaid()" })
        #expect(said.lines.allSatisfy { $0.time == SteppedClock.noon })
    }

    @Test func aFieldThatIsNotThereIsLeftOut() {
        logger(.info).info("a", LogField("b", 1), nil, LogField("c", "d"))
        #expect(said.lines.map { $0.fields.map(\.name) } == [["b", "c"]])
    }

    // MARK: What repeats

    @Test func aCountIsLoggedWhenItsWindowIsOverThoughNothingMoreIsLogged() async {
        let logger = logger(.info)
        for _ in 0..<58 { logger.warning("connecting: refused") }
        #expect(said.message == ["warning connecting: refused"])
        await clock.waitForSleeper()
        clock.advance(by: .seconds(60))
        await said.wait(for: 2)
        #expect(said.message.last == "warning connecting: refused (repeated 57 times in 1 s)")
        #expect(said.lines.last?.fields == [LogField("repeated", 57)])
        #expect(said.lines.last?.time == SteppedClock.noon + .seconds(60))
        #expect(said.lines.last?.location == said.lines.first?.location)
    }

    @Test func aFaultThatGoesOnIsLoggedOnceAMinute() async {
        let logger = logger(.info)
        for minute in 0..<3 {
            for _ in 0..<10 { logger.error("the ledger cannot answer") }
            await clock.waitForSleeper()
            clock.advance(by: .seconds(60))
            await said.wait(for: 2 * (minute + 1))
        }
        #expect(said.lines.count == 6)
        #expect(clock.sleepers == 0, "nothing sleeps while nothing is held back")
    }

    @Test func nobodySleepsForAFaultThatCameOnce() {
        let logger = logger(.info)
        logger.warning("a")
        logger.warning("b")
        #expect(clock.sleepers == 0)
        logger.flush()
        #expect(said.lines.count == 2)
    }

    @Test func theCountIsNotLostAtTheEnd() {
        let logger = logger(.info)
        for _ in 0..<5 { logger.warning("a") }
        logger.flush()
        logger.flush()
        #expect(said.message == ["warning a", "warning a (repeated 4 times in 1 s)"])
    }

    @Test func noLineIsLostOrCountedTwiceByManyThreads() async {
        let logger = logger(.info)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask { for _ in 0..<500 { logger.warning("fault \(number % 3)") } }
            }
        }
        logger.flush()
        let reported = said.lines.reduce(0) { total, line in
            guard case .integer(let count)? = line.fields.first(where: { $0.name == "repeated" })?.value else {
                return total + 1
            }
            return total + count
        }
        #expect(reported == 4_000)
        #expect(said.lines.count == 6)
    }
}
