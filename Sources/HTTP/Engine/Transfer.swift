import CCurl
import Clocks
import Secrets

/// What belongs to one request while a handle carries it.
final class Transfer {
    enum Purpose {
        case exchange
        /// The connection alone: the request itself is never sent.
        case connection
    }

    /// What comes next on a connection that stands, TLS included, and that is the request's.
    enum Beginning {
        case send
        case abort
        /// The connection goes back to the others, unused.
        case keepConnection
    }

    let request: HTTPRequest
    let purpose: Purpose
    let reply: HTTPReply
    let lines: HeaderLines
    private let maxResponse: Int
    private var sendTracker = SendTracker()
    // It had its turn after the end of its send window, or was never to be sent.
    private(set) var isTooLate = false
    private var headers = HeaderBlock()
    // As it came, perhaps compressed.
    private var body: [UInt8] = []
    private var bodyExceededCap = false

    /// - Throws: why the request cannot even be tried; the reply is then still to be given.
    init(_ request: HTTPRequest, for purpose: Purpose, maxResponse: Int, reply: HTTPReply) throws(HTTPFault) {
        if let flaw = request.flaw { throw HTTPFault(kind: .invalidRequest, detail: flaw) }
        lines = try HeaderLines(request)
        self.request = request
        self.purpose = purpose
        self.maxResponse = maxResponse
        self.reply = reply
    }

    // MARK: What libcurl tells

    /// Asked each time that the request is about to go: on a new connection, on a reused one, and again when that one
    /// has died. Of what has left once only the resend is refused, be it in time or too late: that is ambiguous.
    func beginning(requestSize: Int, hasBegun: Bool, clock: any TimeSource) -> Beginning {
        guard sendTracker.mayBegin(requestSize: requestSize, hasBegun: hasBegun) else { return .abort }
        switch purpose {
        case .connection:
            isTooLate = true
            return .keepConnection
        case .exchange:
            isTooLate = request.isTooLate(at: clock.now())
            return isTooLate ? .abort : .send
        }
    }

    func takeHeader(_ line: UnsafeRawBufferPointer) {
        headers.take(line)
    }

    /// False when the cap is passed: enough was read.
    func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
        let remaining = maxResponse - body.count
        if piece.count > remaining { bodyExceededCap = true }
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece.prefix(remaining)))
        return !bodyExceededCap
    }

    // MARK: The end

    func hasLeft(requestSize: Int, hasBegun: Bool) -> Bool {
        sendTracker.hasLeft(requestSize: requestSize, hasBegun: hasBegun)
    }

    /// Whether libcurl, with this code, ended it after all that is wanted of the answer.
    func isHeardOut(_ code: CURLcode) -> Bool {
        // Past the cap nothing is read any more: the answer is known.
        code == CURLE_OK || (code == CURLE_WRITE_ERROR && bodyExceededCap)
    }

    /// Nil if the headers are not complete, which libcurl does not mind.
    func response(majorVersion: Int) -> HTTPResponse? {
        guard headers.isComplete else { return nil }
        var response = HTTPResponse(status: headers.status, fields: headers.fields, majorVersion: majorVersion)
        let decoding = ContentDecoding(
            body, status: headers.status, fields: headers.fields, isCut: bodyExceededCap, limit: maxResponse)
        switch decoding {
        case .whole(let body): response.body = body
        case .tooLong(let beginning): (response.body, response.bodyExceededCap) = (beginning, true)
        case .undecodable: response.bodyIsUndecodable = true
        }
        return response
    }

    /// What it is if it ends now, without an answer.
    func interrupted(_ fault: HTTPFault, requestSize: Int, hasBegun: Bool) -> HTTPExchange {
        var fault = fault
        fault.sentBytes = sendTracker.size(requestSize: requestSize, hasBegun: hasBegun)
        return fault.sentBytes > 0 ? .ambiguous(fault) : .notSent(fault)
    }
}
