
"use strict";
// All is said without this: it shows times in the browser's zone, keeps distances true, and looks whether anything is new.
const PERIOD = 3000, LONGEST = 15000, PATIENCE = 5000;
const opened = Date.now(), foot = document.querySelector("#foot time"), served = Date.parse(foot.dateTime);
const daemonNow = () => served + (Date.now() - opened);
const lasting = (seconds) => {
  const s = Math.max(0, Math.round(seconds)), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
  return s < 60 ? `${s} s` : m < 60 ? `${m} min` : h < 24 ? `${h} h ${m % 60} min` : `${d} d ${h % 24} h`;
};
const away = (seconds) => Math.round(seconds) > 0 ? `in ${lasting(seconds)}` : "due now";
const clock = (time) => {
  const date = new Date(time), today = new Date(served).toDateString() === date.toDateString();
  const hours = date.toLocaleTimeString("en-GB");
  return today ? hours : `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${hours}`;
};
for (const node of document.querySelectorAll("time")) node.textContent = clock(node.dateTime);
document.getElementById("zone").textContent = `Times are this browser’s (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
const tick = () => {
  for (const node of document.querySelectorAll("[data-time]")) {
    const seconds = (daemonNow() - node.dataset.time) / 1000;
    const text = node.dataset.sign === "-1" ? away(-seconds) : lasting(seconds);
    if (node.textContent !== text) node.textContent = text;
  }
};

const version = document.body.dataset.version;
let timer = 0, misses = 0;
/// Whoever types here is not interrupted.
const isTyping = () => document.activeElement instanceof HTMLInputElement && document.activeElement.value !== "";
const look = async () => {
  clearTimeout(timer);
  try {
    const answer = await fetch(location.href, {
      cache: "no-store", credentials: "omit", redirect: "error", signal: AbortSignal.timeout(PATIENCE) });
    // A daemon that cannot say takes nothing away that it has said before.
    if (!answer.ok && answer.status !== 404) throw new Error(`it answered ${answer.status}`);
    const found = /<body(?: data-version="([0-9a-f]+)")?>/.exec(await answer.text());
    if (!found) throw new Error("its answer was no page");
    if (found[1] !== version && !isTyping()) return location.reload();
    misses = 0;
  } catch {
    misses += 1;
  }
  document.documentElement.toggleAttribute("data-stale", misses > 0);
  if (misses > 0) {
    document.getElementById("old").textContent = `The daemon does not answer. This is what it said at ${clock(served)}.`;
  }
  if (!document.hidden) timer = setTimeout(look, misses ? Math.min(LONGEST, PERIOD * 1.5 ** (misses - 1)) : PERIOD);
};
if (version) {
  timer = setTimeout(look, PERIOD);
  document.addEventListener("visibilitychange", () => { clearTimeout(timer); if (!document.hidden) look(); });
}
tick();
setInterval(tick, 1000);
