import Jobs
import Photos

extension VerdictExample {
    static let retry = VerdictAction.retry(atLeast: .seconds(1))

    static let transport: [VerdictExample] = [
        VerdictExample(title: "refused", answer: .notSent(detail: "refused"), row: 1, action: .retryNetwork),
        VerdictExample(
            title: "refused, ambiguous before", answer: .notSent(detail: "x"),
            context: Wording.context(ambiguous: true),
            row: 1, action: .retryNetwork),
        VerdictExample(title: "too late", answer: .tooLate(detail: "over"), row: 36, action: .withdraw),
        VerdictExample(
            title: "too late, ambiguous before", answer: .tooLate(detail: "x"),
            context: Wording.context(ambiguous: true), row: 36, action: .withdraw),
        VerdictExample(title: "certificate", answer: .tlsTrustFailure(detail: "x"), row: 2, action: .hold(.tlsTrust)),
        VerdictExample(
            title: "reset", answer: .ambiguous(detail: "x"), row: 3, action: retry, marksAmbiguous: true,
            isUnheard: true),
    ]

    static let successes: [VerdictExample] = [
        VerdictExample(title: "no body", answer: Wording.answer(200), row: 4, action: .left),
        VerdictExample(title: "{}", answer: Wording.answer(200, "{}"), row: 4, action: .left),
        VerdictExample(title: "{} and a line end", answer: Wording.answer(200, "{}\n"), row: 4, action: .left),
        VerdictExample(
            title: "other members", answer: Wording.answer(200, #"{"code":7,"message":"m"}"#), row: 4, action: .left),
        VerdictExample(title: "204", answer: Wording.answer(204), row: 4, action: .left),
        VerdictExample(
            title: "left at last", answer: Wording.answer(200, "{}"),
            context: Wording.context(ambiguous: true, malformed: 2, refreshed: true), row: 4, action: .left),
    ]

    static let malformedBodies: [(String, String)] = [
        ("HTML", "<html>welcome to the hotel</html>"), ("an array", "[]"), ("a string", "\"ok\""), ("null", "null"),
        ("cut off", "{\"a\":"), ("an error in a success", #"{"error":{"code":400,"status":"INVALID_ARGUMENT"}}"#),
        ("an empty error", #"{"error":null}"#), ("blank", " \n"), ("two objects", "{}{}"),
        ("deep", String(repeating: "{\"a\":", count: 5000) + "1" + String(repeating: "}", count: 5000)),
        ("a huge number", #"{"a":1e99999}"#), ("a byte-order mark", "\u{feff}{}"),
        ("an error in an array", #"[{"error":{"code":400,"status":"INVALID_ARGUMENT"}}]"#),
        ("an object in an array", "[{}]"),
        ("an error twice", #"{"error":{},"error":{}}"#), ("a comma too many", "{},"), ("a NUL behind it", "{}\u{0}"),
    ]

    static let malformed: [VerdictExample] =
        malformedBodies.flatMap { title, body in
            [
                VerdictExample(
                    title: title, answer: Wording.answer(200, body), row: 5, action: .malformedAnswer,
                    marksAmbiguous: true, isUnheard: true),
                VerdictExample(
                    title: "\(title), the second time", answer: Wording.answer(204, body),
                    context: Wording.context(ambiguous: true, malformed: 1), row: 5, action: .malformedAnswer,
                    marksAmbiguous: true, isUnheard: true),
                VerdictExample(
                    title: "\(title), the third time", answer: Wording.answer(200, body),
                    context: Wording.context(ambiguous: true, malformed: 2), row: 5, action: .dead(.responseMalformed),
                    marksAmbiguous: true, isUnheard: true),
            ]
        } + [
            VerdictExample(
                title: "compressed, and cut before it says anything",
                answer: .answered(status: 200, fields: [], body: [], isWhole: false), row: 5, action: .malformedAnswer,
                marksAmbiguous: true, isUnheard: true),
            VerdictExample(
                title: "an object, and more behind it than is read",
                answer: .answered(status: 200, fields: [], body: Array("{}  ".utf8), isWhole: false), row: 5,
                action: .malformedAnswer, marksAmbiguous: true, isUnheard: true),
            VerdictExample(
                title: "202", answer: Wording.answer(202, "{}"), row: 6, action: .malformedAnswer, marksAmbiguous: true,
                isUnheard: true),
            VerdictExample(
                title: "206, the third time", answer: Wording.answer(206), context: Wording.context(malformed: 2),
                row: 6, action: .dead(.responseMalformed), marksAmbiguous: true, isUnheard: true),
            VerdictExample(
                title: "101", answer: Wording.answer(101), row: 6, action: .malformedAnswer, marksAmbiguous: true,
                isUnheard: true),
            VerdictExample(
                title: "302 is never followed", answer: Wording.answer(302, "", [("Location", "https://elsewhere")]),
                row: 6, action: unexpected),
            VerdictExample(title: "304", answer: Wording.answer(304), row: 6, action: unexpected),
        ]

    static let requestFaults: [VerdictExample] = [
        VerdictExample(
            title: "bad JSON",
            answer: Wording.answer(
                400, Wording.error(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unexpected token.")),
            row: 7, action: .deadUnlessSystemic(.clientBug, .clientFaulty, accounts: 2)),
        VerdictExample(
            title: "unknown name",
            answer: Wording.answer(
                400, Wording.error(400, "INVALID_ARGUMENT", #"Unknown name \"tokenShare\": Cannot find field."#)),
            row: 7, action: .deadUnlessSystemic(.clientBug, .clientFaulty, accounts: 2)),
        VerdictExample(
            title: "owner",
            answer: Wording.answer(
                400, Wording.error(400, "FAILED_PRECONDITION", "The user is the owner of the album.")),
            row: 8, action: .queryAlbum),
        VerdictExample(
            title: "own",
            answer: Wording.answer(
                400, Wording.error(400, "INVALID_ARGUMENT", "Cannot leave an album you OWN.")), row: 8,
            action: .queryAlbum),
        VerdictExample(
            title: "an unknown token is not owner wording",
            answer: Wording.answer(
                400, Wording.error(400, "INVALID_ARGUMENT", "The share token is unknown.")), row: 9,
            action: .queryAlbum),
        VerdictExample(
            title: "HTML 404", answer: Wording.answer(404, Wording.html404), row: 11,
            action: unexpected),
        VerdictExample(title: "empty 404", answer: Wording.answer(404), row: 11, action: unexpected),
        VerdictExample(
            title: "method not found",
            answer: Wording.answer(404, Wording.error(404, "NOT_FOUND", "Method not found.")),
            row: 11, action: unexpected),
        VerdictExample(
            title: "unimplemented 404", answer: Wording.answer(404, Wording.error(404, "UNIMPLEMENTED", "Not here")),
            row: 11, action: unexpected),
        VerdictExample(title: "405", answer: Wording.answer(405), row: 11, action: unexpected),
        VerdictExample(
            title: "501", answer: Wording.answer(501, Wording.error(501, "UNIMPLEMENTED", "No")), row: 11,
            action: unexpected),
    ]

    static let unknownTokens: [(Int, String)] = [
        (400, Wording.error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")),
        (400, Wording.error(400, "INVALID_ARGUMENT", "No permission to add media items to this album.")),
        (400, Wording.error(400, "FAILED_PRECONDITION", "The user is not a member of the album.")),
        (404, Wording.error(404, "NOT_FOUND", "Requested entity was not found.")),
        (404, Wording.error(404, nil, "Requested entity was not found.")),
        (404, Wording.error(404, "NOT_FOUND", "Gone", reason: "RESOURCE_NOT_FOUND")),
        (400, Wording.legacy(400, "invalid")),
    ]

    static let tokenFaults: [VerdictExample] = unknownTokens.flatMap { http, body in
        [
            VerdictExample(title: body, answer: Wording.answer(http, body), row: 9, action: .queryAlbum),
            VerdictExample(
                title: "ambiguous", answer: Wording.answer(http, body), context: Wording.context(ambiguous: true),
                row: 10, action: .queryAlbum),
        ]
    }
}
