import Clocks
import Jobs

/// The one who ends a job in place of its deliveries.
extension Dispatcher {
    /// Waits until no delivery of the job is in flight: those that wait have their turn now, a call in flight has its
    /// answer first. From then on its deliveries wait until `release`. False if the worker stops meanwhile.
    ///
    /// One at a time for each job.
    func reserve(_ id: JobID) async -> Bool {
        await withCheckedContinuation { waiter in
            change { state, _ in
                precondition(state.reservations[id] == nil, "the pipeline lets one operator at a time end a job")
                state.reservations[id] = waiter
                state.dispatch.expedite(id)
            }
        }
    }

    func endReservation(of id: JobID) {
        change { $0.dispatch.endReservation(of: id, at: $1) }
    }

    func newestGeneration(of id: JobID) -> Int? {
        withDispatch { $0.newestGeneration(of: id) }
    }
}

extension DispatcherState {
    typealias Reservations = [JobID: CheckedContinuation<Bool, Never>]

    /// Takes out the reservations that can be answered: the job is free now, or never will be.
    mutating func takeReservations() -> [(waiter: CheckedContinuation<Bool, Never>, isGranted: Bool)] {
        guard !reservations.isEmpty else { return [] }
        var taken: [(CheckedContinuation<Bool, Never>, Bool)] = []
        for (id, waiter) in reservations {
            let isGranted = dispatch.occupy(id)
            guard isGranted || !isTaking else { continue }
            reservations[id] = nil
            if !isGranted { dispatch.reserved.remove(id) }
            taken.append((waiter, isGranted))
        }
        return taken
    }
}
