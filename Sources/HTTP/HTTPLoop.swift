import CCurl
import Threads

/// What the engine's thread does.
struct HTTPLoop: ~Copyable {
    private struct Waiting {
        var request: HTTPRequest
        var deadline: MonotonicTime
        var reply: HTTPReply
    }

    private let configuration: HTTPConfiguration
    private let mailbox: Mailbox<HTTPEngine.Command>
    private let multi: UnsafeMutableRawPointer
    private let clock = SystemTimekeeper()
    private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
    // In the order of their coming, which, with one timeout for all, is that of their deadlines. They wait here and
    // not inside libcurl, which lets no timeout end such a wait.
    private var waiting: [Waiting] = []
    private var isStopping = false

    /// libcurl wakes for its own timers, and this loop for its deadlines; without any, a minute is as good as for ever.
    private static let longestSleep = Duration.seconds(60)

    init(_ configuration: HTTPConfiguration, mailbox: Mailbox<HTTPEngine.Command>) {
        self.configuration = configuration
        self.mailbox = mailbox
        guard let multi = curl_multi_init() else {
            preconditionFailure("libcurl has no memory for its first handle")
        }
        self.multi = multi
        Self.require(
            CCurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections),
            "keeping connections")
    }

    deinit { curl_multi_cleanup(multi) }

    mutating func run() {
        while !isStopping {
            let commands = mailbox.takeAll()
            for command in commands { take(command) }
            expireWaiting()
            startWaiting()
            var running: Int32 = 0
            Self.require(curl_multi_perform(multi, &running), "driving the transfers")
            finishTransfers()
            if commands.isEmpty { wait() }
        }
        end()
    }

    private mutating func take(_ command: HTTPEngine.Command) {
        switch command {
        case .send(let request, let reply):
            waiting.append(
                Waiting(request: request, deadline: clock.now() + configuration.connectTimeout, reply: reply))
        case .ping(let answer): answer()
        case .stop: isStopping = true
        }
    }

    private mutating func expireWaiting() {
        guard !waiting.isEmpty else { return }
        let now = clock.now()
        let expired = waiting.prefix { $0.deadline <= now }
        for wait in expired {
            let detail =
                "\(configuration.maxConnections) exchanges were under way all the time"
            wait.reply.resume(returning: .notSent(HTTPFault(kind: .congested, detail: detail)))
        }
        waiting.removeFirst(expired.count)
    }

    private mutating func startWaiting() {
        guard !isStopping else { return }
        let free = min(waiting.count, configuration.maxConnections - transfers.count)
        guard free > 0 else { return }
        for next in waiting.prefix(free) {
            do throws(HTTPFault) {
                let transfer = try Transfer(
                    next.request, configuration, reply: next.reply)
                let code = curl_multi_add_handle(multi, transfer.easy)
                guard code == CURLM_OK else {
                    throw HTTPFault(kind: .other, detail: "libcurl takes no transfer: \(Self.words(code))")
                }
                transfers[transfer.easy] = transfer
            } catch {
                next.reply.resume(returning: .notSent(error))
            }
        }
        waiting.removeFirst(free)
    }

    private mutating func finishTransfers() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else {
                continue
            }
            let code = CCurl_message_result(message)
            guard let transfer = transfers.removeValue(forKey: easy) else {
                preconditionFailure("libcurl finishes only transfers that it was given, and each once")
            }
            let exchange = transfer.exchange(code)
            curl_multi_remove_handle(multi, easy)
            transfer.reply.resume(returning: exchange)
        }
    }

    private func wait() {
        // A place that became free is filled before sleeping.
        if !waiting.isEmpty, transfers.count < configuration.maxConnections { return }
        var sleep = Self.longestSleep
        if let next = waiting.first { sleep = min(sleep, max(.zero, next.deadline - clock.now())) }
        var wake = curl_waitfd(fd: mailbox.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        // Rounded up, or the last millisecond would be spent turning round.
        let code = curl_multi_poll(multi, &wake, 1, Int32(sleep.milliseconds + 1), nil)
        Self.require(code, "waiting for the transfers")
    }

    private mutating func end() {
        for transfer in transfers.values {
            let exchange = transfer.interrupted(.stopped)
            curl_multi_remove_handle(multi, transfer.easy)
            transfer.reply.resume(returning: exchange)
        }
        transfers = [:]
        for wait in waiting { wait.reply.resume(returning: .notSent(.stopped)) }
        waiting = []
        for command in mailbox.close() {
            switch command {
            case .send(_, let reply): reply.resume(returning: .notSent(.stopped))
            case .ping(let answer): answer()
            case .stop: break
            }
        }
    }

    /// These calls fail only without memory or for misuse, and a loop that cannot run them would spin or hang.
    private static func require(_ code: CURLMcode, _ what: String) {
        precondition(code == CURLM_OK, "\(what): \(words(code)) (curl multi \(code.rawValue))")
    }

    private static func words(_ code: CURLMcode) -> String {
        String(cString: curl_multi_strerror(code))
    }
}
