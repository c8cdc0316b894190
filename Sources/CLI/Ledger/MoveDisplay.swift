import Concurrency
import Daemon
import Ledger
import Operations
import Terminal

/// How far a move is: a bar on a terminal, else a line every few seconds. One thread uses it.
final class MoveDisplay {
    // Begun anew for each of the two rounds over all jobs.
    private var bar: ProgressBar?
    private var title = ""

    /// Runs what blocks on a thread of its own, and shows how far it is.
    static func during<Value: Sendable>(
        _ body: @escaping @Sendable (MoveDisplay) throws(LedgerError) -> Value
    ) async throws -> Value {
        let result = await NativeThread.offload("migrate") { () -> Result<Value, LedgerError> in
            let display = MoveDisplay()
            defer { display.hide() }
            do throws(LedgerError) {
                return .success(try body(display))
            } catch {
                return .failure(error)
            }
        }
        do throws(LedgerError) {
            return try result.get()
        } catch {
            throw CommandFailure(ControlFault(error))
        }
    }

    /// After each step; a test ends the process at one of them.
    func show(_ step: MoveStep) throws(LedgerError) {
        switch step {
        case .marked, .begun: break
        case .copied(let done, let total): show("copied", done, of: total)
        case .compared(let done, let total): show("compared", done, of: total)
        case .left: hide()
        }
        TestHooks.passed(step)
    }

    private func show(_ verb: String, _ done: Int, of total: Int) {
        if title != verb {
            hide()
            title = verb
            bar = ProgressBar(title: verb, total: total, showsLines: true)
        }
        bar?.update(completed: done)
    }

    func hide() {
        bar?.hide()
        bar = nil
    }

    @Sendable static func showWait(_ time: Duration) {
        StandardStream.error.write(
            "waiting \(time.components.seconds + 1) s for calls that were under way and may still arrive\n")
    }
}
