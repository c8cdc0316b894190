/// All that is wrong with one key's value. Never empty.
struct Complaints: Error, Equatable {
    let complaints: [Complaint]

    init(_ complaints: [Complaint]) {
        self.complaints = complaints
    }

    init(_ value: TOMLValue, _ problem: String, allowed: String? = nil) {
        complaints = [Complaint(position: value.position, problem: problem, allowed: allowed)]
    }
}
