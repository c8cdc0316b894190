import CCurl
import Threads

/// What the engine's thread does.
struct HTTPLoop: ~Copyable {
    private let configuration: HTTPConfiguration
    private let mailbox: Mailbox<HTTPEngine.Command>
    private let multi: UnsafeMutableRawPointer
    private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
    private var isStopping = false

    /// libcurl wakes for its own timers; without any, this is how long it may sleep before it looks round.
    private static let longestSleep: Int32 = 60_000

    init(_ configuration: HTTPConfiguration, mailbox: Mailbox<HTTPEngine.Command>) {
        self.configuration = configuration
        self.mailbox = mailbox
        guard let multi = curl_multi_init() else { preconditionFailure("libcurl has no memory for its first handle") }
        self.multi = multi
        CCurl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maxConnections)
        CCurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections)
    }

    deinit { curl_multi_cleanup(multi) }

    mutating func run() {
        while !isStopping {
            let commands = mailbox.takeAll()
            for command in commands { take(command) }
            var running: Int32 = 0
            curl_multi_perform(multi, &running)
            finishTransfers()
            if commands.isEmpty, !isStopping { wait() }
        }
        for transfer in transfers.values {
            // Asked while the handle still knows what it has sent.
            transfer.abandon()
            curl_multi_remove_handle(multi, transfer.easy)
        }
        transfers = [:]
        for command in mailbox.close() {
            switch command {
            case .send(_, let reply): HTTPEngine.refuse(reply)
            case .ping(let answer): answer()
            case .stop: break
            }
        }
    }

    private func wait() {
        var wake = curl_waitfd(fd: mailbox.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        curl_multi_poll(multi, &wake, 1, Self.longestSleep, nil)
    }

    private mutating func take(_ command: HTTPEngine.Command) {
        switch command {
        case .send(let request, let reply):
            guard let transfer = Transfer(request, configuration, reply: reply) else { return }
            transfers[transfer.easy] = transfer
            let code = curl_multi_add_handle(multi, transfer.easy)
            if code != CURLM_OK {
                transfers[transfer.easy] = nil
                transfer.abandon()
            }
        case .ping(let answer): answer()
        case .stop: isStopping = true
        }
    }

    private mutating func finishTransfers() {
        var remaining: Int32 = 0
        while let message = curl_multi_info_read(multi, &remaining) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = CCurl_message_result(message)
            guard let transfer = transfers.removeValue(forKey: easy) else { continue }
            // Before the removal: that resets what the handle knows of the exchange.
            transfer.finish(code)
            curl_multi_remove_handle(multi, easy)
        }
    }
}
