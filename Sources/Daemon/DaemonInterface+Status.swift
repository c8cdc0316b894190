import AMQP
import Clocks
import JSON
import Ledger
import Monitoring
import Operations
import Pipeline
import Service
import Settings
import Telemetry

/// What the daemon says of itself, put together from everybody who knows a part of it.
extension DaemonInterface {
    /// The status as far as it is known without asking another thread.
    var glance: DaemonStatus { Self.glance(tracker, metrics, parts) }

    static func glance(_ tracker: StatusTracker, _ metrics: MetricsRecorder, _ parts: DaemonParts?) -> DaemonStatus {
        var status = tracker.status()
        guard let parts else { return status }
        let load = parts.pipeline.snapshot
        status.inFlight = load.inFlight
        status.callsInFlight = load.callsInFlight
        status.oldestJobAge = load.oldestInFlight
        let day = QuotaZone.day(of: parts.ledger.clock.wall())
        // A member knows what the others have called from when it last asked for calls of the day itself; before its first
        // call, and where no limit is set, none counts here at all.
        let polled = metrics.lastDay.flatMap { $0.name == day.name ? $0.count.calls + $0.count.albumQueries : nil }
        if let spent = [parts.pipeline.callsToday?.spent, polled].compactMap(\.self).max() {
            status.quota = .init(day: day.name, spent: spent, limit: parts.pipeline.callsPerDay, resetsAt: day.end)
        }
        return status
    }

    /// Everything. `asksLedger`: reads the file now, instead of taking what the last poll brought: for a person who
    /// can wait, not for an endpoint that must not.
    func status(asksLedger: Bool) async -> DaemonStatus {
        var status = glance
        recent.add(to: &status, hashingAccounts: settings.now.log.hashAccounts)
        status.loops = liveness.readings.map { .init(name: $0.name, answeredAgo: $0.answeredAgo) }
        status.settings = loadedSettings
        if let (depths, age) = metrics.lastDepths {
            status.queues = settings.now.topology.queues.map { queue in
                .init(
                    name: queue.name, messages: depths[queue.name]?.messages,
                    consumers: depths[queue.name]?.consumers)
            }
            status.queuesAt = status.at - age
        }
        guard let parts else { return status }
        status.links = [
            .init("consume", parts.consuming.reading), .init("publish", parts.publishing.reading),
        ]
        if asksLedger { await addQuota(to: &status, parts) }
        addForecast(to: &status, at: parts.ledger.clock.wall())
        let ledger = parts.ledger
        let statistics = asksLedger ? try? await ledger.approximateStatistics() : metrics.lastLedger
        status.ledger = statistics.map { .init($0, of: ledger) }
        if ledger.member != nil {
            let members = asksLedger ? try? await ledger.members() : metrics.lastMembers
            status.members = members?.map(DaemonStatus.Member.init)
        }
        return status
    }

    /// Before the first call of a run, only the ledger knows the day's count, and so it is of a ledger that is shared.
    private func addQuota(to status: inout DaemonStatus, _ parts: DaemonParts) async {
        guard status.quota == nil || parts.ledger.member != nil else { return }
        let day = QuotaZone.day(of: parts.ledger.clock.wall())
        guard let count = try? await parts.ledger.count(of: day.name) else { return }
        status.quota = .init(
            day: day.name, spent: count.calls + count.albumQueries, limit: settings.now.limits.requestsPerDay,
            resetsAt: day.end)
    }

    private func addForecast(to status: inout DaemonStatus, at now: Timestamp) {
        let settings = self.settings.now
        guard let quota = status.quota, let queues = status.queues else { return }
        let backlog = queues.filter { settings.isBacklog($0.name) }.reduce(status.inFlight) { $0 + ($1.messages ?? 0) }
        status.quota?.doneAt = Forecast.end(
            of: backlog, spent: quota.spent, limit: quota.limit, isEven: settings.limits.pace == .even,
            perMinute: status.perMinuteOfFifteen, day: QuotaZone.day(of: now), at: now)
    }

    // MARK: Endpoints

    var routes: [String: AdminServer.Handler] {
        var routes: [String: AdminServer.Handler] = [
            "/metrics": { [metrics] _ in .metrics(metrics.text()) },
            "/livez": { _ in .text("alive") },
            "/readyz": { [tracker] _ in
                let word = tracker.word
                return .text(word, status: word == "consuming" ? 200 : 503)
            },
            "/status": { [weak self] _ in
                guard let self else { return .text("the daemon is ending", status: 503) }
                return .json(await self.status(asksLedger: false).json.encoded())
            },
        ]
        if settings.now.admin.showsPage {
            routes["/"] = { _ in
                AdminReply(
                    contentType: "text/html; charset=utf-8",
                    contentSecurityPolicy: AdminPage.contentSecurityPolicy, body: AdminPage.html)
            }
            routes["/job"] = { [weak self] query in
                guard let self else { return .text("the daemon is ending", status: 503) }
                return await self.jobPage(query)
            }
        }
        return routes
    }
}
