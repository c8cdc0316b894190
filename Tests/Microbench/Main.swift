/// `microbench` names the pieces; `microbench PIECE COUNT` does one so many times. Run by `scripts/bench --micro`.
@main struct Main {
    static func main() {
        let message = CommandLine.arguments.dropFirst()
        guard let name = message.first else {
            for piece in Piece.all { print(piece.name) }
            return
        }
        guard let piece = Piece.all.first(where: { $0.name == name }), let count = message.last.flatMap({ Int($0) })
        else {
            preconditionFailure("microbench PIECE COUNT: the pieces are \(Piece.all.map(\.name))")
        }
        let done = piece.run(count)
        precondition(done >= count, "\(name) was done \(done) times, not \(count)")
        print(done)
    }
}
