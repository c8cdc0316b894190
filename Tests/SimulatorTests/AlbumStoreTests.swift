import Testing

@testable import photos_simulator

@Suite struct AlbumStoreTests {
    private let token = Array("t".utf8)
    private let anna = Array("anna".utf8)
    private let bert = Array("bert".utf8)

    private func refusal<Value>(_ result: Result<Value, AlbumStore.RefusalError>) -> AlbumStore.Refusal? {
        if case .failure(let error) = result { error.refusal } else { nil }
    }

    @Test func whoLeavesIsAMemberNoMore() {
        var book = AlbumStore(autoMembers: false)
        book.seed(token: token, owner: bert, members: [anna])
        #expect(refusal(book.leave(token, anna)) == nil)
        #expect(refusal(book.leave(token, anna)) == .notJoined)
        #expect(refusal(book.join(token, anna)) == nil)
        #expect(refusal(book.join(token, anna)) == .alreadyJoined)
        #expect(refusal(book.leave(token, anna)) == nil)
    }

    @Test func anOwnerNeitherLeavesNorJoins() {
        var book = AlbumStore(autoMembers: false)
        book.seed(token: token, owner: bert, members: [])
        #expect(refusal(book.leave(token, bert)) == .owner)
        #expect(refusal(book.join(token, bert)) == .owner)
    }

    @Test func anUnknownTokenIsRefused() {
        var book = AlbumStore(autoMembers: false)
        #expect(refusal(book.leave(token, anna)) == .unknownToken)
        #expect(refusal(book.get(Array("album-1".utf8))) == .unknownToken)
    }

    @Test func anAlbumOfEverybodyRemembersWhoLeft() throws {
        var book = AlbumStore(autoMembers: true)
        let token = Array("album-1".utf8)
        #expect(refusal(book.leave(token, anna)) == nil)
        #expect(refusal(book.leave(token, anna)) == .notJoined)
        let album = try book.get(token).get()
        #expect(!album.hasJoined(anna))
        #expect(album.hasJoined(bert))
        #expect(refusal(book.leave(self.token, anna)) == .unknownToken)
    }

    @Test func sharingBringsATokenToLife() throws {
        var book = AlbumStore(autoMembers: false)
        book.seed(token: token, owner: bert, members: [anna], isUnshared: true)
        #expect(refusal(book.leave(token, anna)) == .unknownToken)
        #expect(refusal(book.share(id: "album1", anna)) == .owner)
        #expect(try book.share(id: "album1", bert).get().token == token)
        #expect(refusal(book.leave(token, anna)) == nil)
    }
}
