// The snippet: page views, events, identity, consent and engagement time, in one small script.
//
// <script defer src="https://collect.example/assay.js" data-key="pk_…"></script>
//
// assay("sign_up", { method: "mail" });  assay.identify("user-1", "company-1");  assay.consent("granted");
//
// Nothing is kept on the device until consent is granted: without an id the collector makes one of the day. An event stays
// in the queue until the collector has said that it is on disk; ids keep a repeated one from counting twice. Nothing here
// may ever throw into the page.

type Props = Record<string, unknown>;
type Consent = "granted" | "denied" | "unknown";

interface Line {
  i: string;
  n: string;
  t: number;
  u: string;
  ti?: string;
  r?: string;
  p?: Props;
  [key: string]: unknown;
}

export interface Assay {
  (name: string, props?: Props): void;
  page(): void;
  identify(user: string, account?: string): void;
  consent(state: Consent): void;
  id(): string | undefined;
  q?: [string, Props?][];
}

const STORE = "assay";
const MOST = 200; // events that wait; the oldest go first
const BATCH = 20;
const LINK = "_as"; // carries the visitor to another domain, for two minutes
const LINK_SECONDS = 120;
const OWN = ["revenue", "currency", "order_id", "items"]; // props that are fields of the event

export function start(win: Window & typeof globalThis, script: HTMLScriptElement | null): Assay {
  const doc = win.document;
  const data: DOMStringMap = script?.dataset ?? {};
  const endpoint = (data.host ?? (script?.src ? new URL(script.src).origin : "")) + "/e";
  let queue: Line[] = [];
  let state: Consent = "unknown";
  let visitor: string | undefined;
  let user: string | undefined;
  let account: string | undefined;
  let last = ""; // address of the last page view
  let shown = 0; // since when the page is visible, 0 while it is not
  let seen = 0; // milliseconds of this page not yet told
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let waits = 1000;

  const safe =
    <A extends unknown[]>(work: (...given: A) => void) =>
    (...given: A): void => {
      try {
        work(...given);
      } catch {
        // the page goes on
      }
    };

  const token = (): string => {
    const bytes = win.crypto.getRandomValues(new Uint8Array(12));
    return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  };

  const kept = (): void => {
    if (state === "granted") win.localStorage.setItem(STORE, JSON.stringify({ v: visitor, u: user, a: account, q: queue }));
  };

  const restore = safe((): void => {
    const known = JSON.parse(win.localStorage.getItem(STORE) ?? "null");
    if (!known) return;
    state = "granted";
    [visitor, user, account] = [known.v, known.u, known.a];
    queue = known.q ?? [];
  });

  const body = (lines: Line[]): string =>
    JSON.stringify({ k: data.key, s: Date.now(), v: visitor, us: user, a: account, c: state, l: win.navigator.language,
      sc: win.screen.width + "x" + win.screen.height, e: lines });

  const later = (wait: number): void => {
    clearTimeout(timer);
    timer = setTimeout(send, wait);
  };

  const send = safe((): void => {
    if (busy || !queue.length || win.navigator.onLine === false) return;
    const lines = queue.slice(0, BATCH);
    busy = true;
    win.fetch(endpoint, { method: "POST", body: body(lines), keepalive: true, credentials: "omit" }).then(
      (answer) => {
        busy = false;
        if (answer.status === 429 || answer.status >= 500) return again();
        queue = queue.filter((one) => !lines.includes(one)); // taken, or refused for good
        waits = 1000;
        safe(kept)();
        if (queue.length) later(0);
      },
      () => {
        busy = false;
        again();
      },
    );
  });

  const again = (): void => {
    later(waits);
    waits = Math.min(waits * 2, 60000);
  };

  // On the way out a beacon is the last chance. With consent the queue stays on the device until it is acknowledged.
  const leave = safe((): void => {
    engaged();
    for (let at = 0; at < queue.length; at += BATCH) win.navigator.sendBeacon(endpoint, body(queue.slice(at, at + BATCH)));
    if (state === "granted") kept();
    else queue = [];
  });

  const put = (name: string, props: Props = {}, more: Partial<Line> = {}): void => {
    const line: Line = { i: token(), n: name, t: Date.now(), u: win.location.href, ti: doc.title, ...more };
    if (!more.r && doc.referrer) line.r = doc.referrer;
    const rest: Props = {};
    for (const key of Object.keys(props)) (OWN.includes(key) ? line : rest)[key] = props[key];
    if (Object.keys(rest).length) line.p = rest;
    queue.push(line);
    if (queue.length > MOST) queue.shift();
    safe(kept)();
    later("revenue" in line ? 0 : 300);
  };

  const engaged = (): void => {
    if (shown) seen += Date.now() - shown;
    shown = doc.visibilityState === "visible" ? Date.now() : 0;
    if (seen >= 1000) {
      put("user_engagement", { engagement_time_msec: seen }, { in: false, u: last || win.location.href });
      seen = 0;
    }
  };

  const page = (): void => {
    const here = win.location.href.split("#")[0]!;
    if (here === last) return;
    engaged();
    const before = last;
    last = here;
    put("page_view", {}, before ? { r: before } : {});
  };

  const assay = safe((name: string, props?: Props) => put(String(name), props)) as Assay;
  assay.page = safe(page);
  assay.identify = safe((who: string, company?: string) => {
    [user, account] = [String(who), company === undefined ? account : String(company)];
    put("identify", {}, { in: false });
  });
  assay.consent = safe((next: Consent) => {
    state = next;
    if (next === "granted") visitor ??= token();
    else {
      visitor = user = account = undefined;
      win.localStorage.removeItem(STORE);
    }
    kept();
  });
  assay.id = () => visitor;

  // A visitor that comes over from another domain of the site keeps the id, for two minutes after the click.
  const arrive = safe((): void => {
    const url = new URL(win.location.href);
    const given = url.searchParams.get(LINK);
    if (!given) return;
    url.searchParams.delete(LINK);
    win.history.replaceState(win.history.state, "", url);
    const [id, at] = given.split(".");
    if (state === "granted" && id && Math.abs(Date.now() / 1000 - parseInt(at ?? "", 36)) < LINK_SECONDS) visitor = id;
  });

  const across = safe((event: Event): void => {
    const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
    if (!link || !visitor || state !== "granted" || link.hostname === win.location.hostname) return;
    if (!(data.domains ?? "").split(",").some((one) => one && (link.hostname === one || link.hostname.endsWith("." + one)))) return;
    const url = new URL(link.href);
    url.searchParams.set(LINK, visitor + "." + Math.floor(Date.now() / 1000).toString(36));
    link.href = url.href;
  });

  safe(() => {
    restore();
    if (data.consent === "granted" && state !== "granted") assay.consent("granted");
    arrive();
    for (const name of ["pushState", "replaceState"] as const) {
      const own = win.history[name];
      win.history[name] = function (this: History, ...given: Parameters<History["pushState"]>): void {
        own.apply(this, given);
        if (data.spa !== "off") safe(page)();
      };
    }
    win.addEventListener("popstate", safe(page));
    win.addEventListener("online", () => later(0));
    win.addEventListener("pagehide", leave);
    doc.addEventListener("visibilitychange", () => (doc.visibilityState === "hidden" ? leave() : safe(engaged)()));
    doc.addEventListener("click", across, true);
    shown = doc.visibilityState === "visible" ? Date.now() : 0;
    page();
  })();
  return assay;
}
