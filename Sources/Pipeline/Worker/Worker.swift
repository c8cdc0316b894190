import AMQP
import Clocks
import Credentials
import Jobs
import Ledger
import Messages
import Photos

/// Takes one job at a time along its path. Many workers run at once; each takes its turns from the dispatcher.
struct Worker: Sendable {
    let dispatcher: Dispatcher
    /// Nil: the worker shares its holds with nobody.
    var relay: ClusterRelay?
    let ledger: any JobLedger
    let ledgerWatch: LedgerWatch
    let credentials: any CredentialProvider
    let photos: any PhotosCalling
    let publisher: ResultPublisher
    let budget: DayBudget
    let holdLog: HoldLog
    let clock: any TimeSource
    let live: LiveConfiguration
    let onStep: PathHook?
    let onEvent: @Sendable (PipelineEvent) -> Void

    /// The one in force: a reload may change it between two looks.
    var configuration: PipelineConfiguration { live.now }

    var schedule: RetrySchedule {
        let configuration = self.configuration
        return RetrySchedule(delays: configuration.retryDelays, maxAttempts: configuration.maxAttempts)
    }

    /// Works until the dispatcher closes.
    func run() async {
        while let turn = await dispatcher.next() {
            await process(turn, dispatcher.makeDelivery(of: turn))
        }
    }

    /// The path of a delivery: first what becomes of it, then that, for good.
    ///
    /// What a kill -9 does is the same argument at every line of both: until the ack the broker gives the delivery out
    /// again, and the ledger tells the next run how far this one had come. So a kill while it is decided costs a
    /// delivery count, and once the claim is durable it leaves an open intent: the job is ambiguous for good, and the
    /// next run asks the album before it calls.
    func process(_ turn: Dispatch.Turn, _ delivery: consuming Delivery) async {
        turn.item.trace?.note("turn")
        let disposition = await decide(turn)
        await settle(disposition, delivery, turn.item.trace)
    }

    func hook(_ step: PathStep, _ side: PathSide) {
        onStep?(step, side)
    }
}
