import CCurl
import Clocks
import Concurrency

/// What the engine's thread does.
struct HTTPLoop: ~Copyable {
    private struct Waiting {
        var order: HTTPEngine.Order
        /// When it is of no use any more.
        var deadline: MonotonicTime
    }

    private let configuration: HTTPConfiguration
    private let mailbox: MailboxOwner<HTTPEngine.Command>
    private let multi: UnsafeMutableRawPointer
    private let clock: any TimeSource
    private let sockets: SocketWatch
    // Those that carry a transfer.
    private var handles: [UnsafeMutableRawPointer: EasyHandle] = [:]
    // Those that carried one well and wait for the next, so no more than ever were busy at one time.
    private var resting: [EasyHandle] = []
    // In the order of their coming. They wait here and not inside libcurl, which lets no timeout end such a wait.
    private var waiting: [Waiting] = []
    private var isAbandoned = false

    /// Without anything to wait for. After such a silence the memory of a burst is given back.
    private static let longestSleep = Duration.seconds(60)

    init(
        _ configuration: HTTPConfiguration, clock: any TimeSource, mailbox: MailboxOwner<HTTPEngine.Command>,
        sockets: SocketWatch
    ) {
        self.configuration = configuration
        self.clock = clock
        self.mailbox = mailbox
        self.sockets = sockets
        guard let multi = curl_multi_init() else {
            preconditionFailure("libcurl has no memory for its first handle")
        }
        self.multi = multi
        Self.require(
            // https://curl.se/libcurl/c/CURLMOPT_MAXCONNECTS.html
            CCurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections),
            "keeping connections")
        sockets.serve(multi)
    }

    deinit { curl_multi_cleanup(multi) }

    mutating func run() {
        while !mailbox.isStopping {
            let commands = mailbox.takeBatch()
            for command in commands ?? [] { take(command) }
            expireWaiting()
            startWaiting()
            listen(mayWait: commands == nil)
            if sockets.takeDue() { drive(CURL_SOCKET_TIMEOUT) }
            finishTransfers()
        }
        end()
    }

    private mutating func take(_ command: HTTPEngine.Command) {
        switch command {
        case .abandon: abandon()
        case .carry(let order) where isAbandoned: order.reply.resume(returning: .notSent(.stopped))
        case .carry(let order):
            let latest = clock.now() + configuration.connectTimeout
            waiting.append(Waiting(order: order, deadline: min(latest, order.request.beginsBefore ?? latest)))
        }
    }

    /// One that is too late is not connected first: an HTTP/1.1 connection would be made to be closed, and the place is
    /// another's, who may be in time.
    private mutating func expireWaiting() {
        guard !waiting.isEmpty else { return }
        let now = clock.now()
        guard waiting.contains(where: { $0.deadline <= now }) else { return }
        for wait in waiting where wait.deadline <= now {
            let isTooLate = wait.order.request.isTooLate(at: now)
            wait.order.reply.resume(returning: .notSent(isTooLate ? .tooLate : congested))
        }
        waiting.removeAll { $0.deadline <= now }
    }

    private var congested: HTTPFault {
        HTTPFault(
            kind: .congested, detail: "\(configuration.maxConnections) exchanges were under way all the time")
    }

    private mutating func startWaiting() {
        let free = min(waiting.count, configuration.maxConnections - handles.count)
        guard free > 0 else { return }
        for next in waiting.prefix(free).map(\.order) {
            do throws(HTTPFault) {
                let maxResponse = configuration.maxResponse
                try start(Transfer(next.request, for: next.purpose, maxResponse: maxResponse, reply: next.reply))
            } catch {
                next.reply.resume(returning: .notSent(error))
            }
        }
        waiting.removeFirst(free)
    }

    private mutating func start(_ transfer: Transfer) throws(HTTPFault) {
        let handle: EasyHandle
        if let rested = resting.popLast() {
            handle = rested
        } else {
            handle = try EasyHandle(configuration, sockets, clock: clock)
        }
        try handle.begin(transfer)
        let code = curl_multi_add_handle(multi, handle.easy)
        guard code == CURLM_OK else {
            throw HTTPFault(kind: .other, detail: "libcurl takes no transfer: \(Self.errorText(code))")
        }
        handles[handle.easy] = handle
    }

    /// Libcurl does what there is to do for this socket, or because its time has come.
    private func drive(_ socket: curl_socket_t, _ events: Int32 = 0) {
        var running: Int32 = 0
        Self.require(curl_multi_socket_action(multi, socket, events, &running), "driving the transfers")
    }

    private mutating func finishTransfers() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else {
                continue
            }
            let code = CCurl_message_result(message)
            guard let handle = handles.removeValue(forKey: easy), let transfer = handle.transfer else {
                preconditionFailure("libcurl finishes only transfers that it was given, and each once")
            }
            let exchange = handle.exchange(transfer, code)
            // Unless it is taken back before, the connection goes with the handle.
            let isReusable = transfer.purpose == .exchange || handle.stopsWhenConnected(false)
            curl_multi_remove_handle(multi, easy)
            // One that failed is not trusted with another.
            if code == CURLE_OK, isReusable, (try? handle.rest()) != nil { resting.append(handle) }
            transfer.reply.resume(returning: exchange)
        }
    }

    /// Drives what has something to say, and waits for the first of it, unless there may be something else to do.
    private mutating func listen(mayWait: Bool) {
        // A place that became free is filled before sleeping.
        let hasWork = !waiting.isEmpty && handles.count < configuration.maxConnections
        guard mayWait, !hasWork, !mailbox.isStopping, mailbox.fallAsleep() else {
            // Nobody would speak.
            if handles.isEmpty { return }
            _ = sockets.wait(atMost: .zero) { drive($0, $1) }
            return
        }
        var sleep = Self.longestSleep
        if let next = waiting.lazy.map(\.deadline).min() { sleep = min(sleep, max(.zero, next - clock.now())) }
        let isIdle = handles.isEmpty && waiting.isEmpty && sockets.deadline == nil
        let isWoken = sockets.wait(atMost: sleep, waking: mailbox.wakeUp) { drive($0, $1) }
        if isIdle, !isWoken { resting = [] }
    }

    /// What is in flight ends, and nothing is begun any more.
    private mutating func abandon() {
        isAbandoned = true
        for handle in handles.values {
            guard let transfer = handle.transfer else { preconditionFailure("a handle at rest is not among the busy") }
            let exchange = handle.interrupted(transfer, .stopped)
            curl_multi_remove_handle(multi, handle.easy)
            transfer.reply.resume(returning: exchange)
        }
        handles = [:]
        for wait in waiting { wait.order.reply.resume(returning: .notSent(.stopped)) }
        waiting = []
    }

    /// Tasks that hear of it may still go on, and ask for more.
    private mutating func end() {
        abandon()
        mailbox.drain { take($0) }
        for command in mailbox.close() { take(command) }
    }

    /// These calls fail only without memory or for misuse, and a loop that cannot run them would spin or hang.
    private static func require(_ code: CURLMcode, _ what: String) {
        precondition(code == CURLM_OK, "\(what): \(errorText(code)) (curl multi \(code.rawValue))")
    }

    private static func errorText(_ code: CURLMcode) -> String {
        String(cString: curl_multi_strerror(code))
    }
}
