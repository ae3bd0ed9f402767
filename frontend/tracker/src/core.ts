// The snippet: page views, events, identity, consent and engagement time, in one small script.
//
// <script defer src="https://collect.example/assay.js" data-key="pk_…"></script>
//
// assay("sign_up", { method: "mail" });  assay.identify("user-1", "company-1");  assay.consent("granted");
//
// Nothing is kept on the device until consent is granted: without an id the collector makes one of the day. An event stays
// in the queue until the collector has said that it is on disk; ids keep a repeated one from counting twice. Nothing here
// may ever throw into the page. Browsers from 2017 on: the syntax and the library are those of ES2017.

export type Props = Record<string, unknown>;
export type Consent = "granted" | "denied" | "unknown";
export type Moment = "page" | "hide" | "gone"; // another page of the application, out of sight, left for good

export interface Line {
  i: string;
  n: string;
  t: number;
  u: string;
  ti?: string;
  r?: string;
  p?: Props;
  [key: string]: unknown;
}

/** What is kept on the device with consent: visitor, user, account, the queue, the exposures that were told. */
export interface Me {
  v?: string;
  u?: string;
  a?: string;
  q: Line[];
  x: Record<string, string>;
}

/** What the modules stand on. */
export interface Inner {
  data: DOMStringMap;
  me: Me;
  on: ((what: Moment) => void)[];
  parts: Record<string, unknown>;
  config?: unknown; // the experiments that run
  put(name: string, props?: Props, more?: Partial<Line>): void;
  keep(): void;
  safe<A extends unknown[]>(work: (...given: A) => void): (...given: A) => void;
  ours(host: string): boolean;
}

export interface Assay {
  (name: string, props?: Props): void;
  page(): void;
  identify(user?: string, account?: string): void;
  consent(state: Consent): void;
  id(): string | undefined;
  variant(experiment: string): string | undefined;
  _: Inner;
}

const STORE = "assay";
const MOST = 200; // events that wait; the oldest go first
const BATCH = 20;
const LINK = "_as"; // carries the visitor to another domain, for two minutes
const LINK_MS = 120000;
const OWN = ["revenue", "currency", "order_id", "items"]; // props that are fields of the event
const LATER = ["vitals", "autocapture"]; // files of their own, loaded after the page

export function start(script: HTMLScriptElement | null): Assay {
  const doc = document;
  const nav = navigator;
  const here = location;
  const now = Date.now;
  const data: DOMStringMap = script ? script.dataset : {};
  const base = data.host || (script ? script.src.replace(/\/[^/]*$/, "") : "");
  const refused = (nav as { globalPrivacyControl?: boolean }).globalPrivacyControl;
  const me: Me = { q: [], x: {} };
  const on: Inner["on"] = [];
  let state: Consent = "unknown";
  let linked: string | undefined; // the visitor of the other domain that the link came from
  let last = ""; // address of the last page view
  let shown = 0; // since when the page is visible, 0 while it is not
  let seen = 0; // milliseconds of this page not yet told
  let timer: ReturnType<typeof setTimeout> | undefined;
  let kept = false;
  let busy = false;
  let waits = 1000;

  const safe: Inner["safe"] =
    (work) =>
    (...given) => {
      try {
        work(...given);
      } catch {
        // the page goes on
      }
    };

  const token = (): string =>
    Array.from(crypto.getRandomValues(new Uint32Array(4)), (one) => one.toString(36)).join("");

  // What has gone from the device was withdrawn in another tab.
  const keep = safe((): void => {
    if (state !== "granted") return;
    if (kept && !localStorage.getItem(STORE)) return assay.consent("denied");
    localStorage.setItem(STORE, JSON.stringify(me));
    kept = true;
  });

  const body = (lines: Line[]): string =>
    JSON.stringify({ k: data.key, s: now(), v: me.v, us: me.u, a: me.a, c: state, l: nav.language,
      sc: screen.width + "x" + screen.height, e: lines });

  const later = (wait: number): void => {
    clearTimeout(timer);
    timer = setTimeout(send, wait);
  };

  const without = (lines: Line[]): void => {
    me.q = me.q.filter((one) => !lines.includes(one));
    keep();
  };

  const again = (): void => {
    busy = false;
    later(waits);
    waits = Math.min(waits * 2, 60000);
  };

  const send = safe((): void => {
    if (busy || !me.q.length || (data.wait && state === "unknown")) return;
    const lines = me.q.slice(0, BATCH);
    const text = body(lines);
    // a browser keeps at most 64 KB alive beyond the page
    const sent = fetch(base + "/e", { method: "POST", body: text, keepalive: text.length < 2e4, credentials: "omit" });
    busy = true;
    sent.then((answer) => {
      if (answer.status === 429 || answer.status >= 500) return again();
      busy = false;
      waits = 1000;
      without(lines); // taken, or refused for good
      if (me.q.length) later(0);
    }, again);
  });

  // On the way out a beacon is the last chance. With consent the queue stays on the device until it is acknowledged.
  const leave = safe((what: Moment): void => {
    tell(what);
    engaged();
    for (let at = 0; at < me.q.length; at += BATCH) {
      if (!nav.sendBeacon || !nav.sendBeacon(base + "/e", body(me.q.slice(at, at + BATCH)))) return send();
    }
    if (state !== "granted") me.q = [];
  });

  const tell = (what: Moment): void => on.forEach((one) => safe(one)(what));

  const put: Inner["put"] = (name, props, more) => {
    const line: Line = Object.assign({ i: token(), n: name, t: now(), u: here.href, ti: doc.title, r: doc.referrer || undefined }, more);
    const rest: Props = {};
    for (const key in props) (OWN.includes(key) ? line : rest)[key] = props[key];
    line.p = rest;
    me.q.push(JSON.parse(JSON.stringify(line))); // as it is now; what is no JSON fails here and nowhere else
    if (me.q.length > MOST) me.q.shift();
    keep();
    later("revenue" in line ? 0 : 300);
  };

  const engaged = (): void => {
    if (shown) seen += now() - shown;
    shown = doc.hidden ? 0 : now();
    if (seen >= 1000) {
      put("user_engagement", { engagement_time_msec: seen }, { in: false, u: last || here.href });
      seen = 0;
    }
  };

  const page = safe((): void => {
    const address = here.href.split("#")[0]!;
    if (address === last) return;
    if (last) tell("page");
    engaged();
    put("page_view", {}, last ? { r: last } : {});
    last = address;
  });

  const assay = safe((name: string, props?: Props) => put(name, props)) as Assay;
  assay.page = page;
  assay.identify = safe((user?: string, account?: string) => {
    me.u = user;
    me.a = account || (user && me.a);
    put("identify", {}, { in: false });
  });
  assay.consent = safe((next: Consent) => {
    if (!/^(granted|denied|unknown)$/.test(next)) return;
    state = refused ? "denied" : next;
    kept = false;
    if (state === "granted") me.v = me.v || linked || token();
    else {
      me.v = me.u = me.a = undefined;
      me.x = {};
      localStorage.removeItem(STORE);
    }
    keep();
    later(0);
  });
  assay.id = () => me.v;
  assay.variant = () => undefined;

  const ours = (host: string): boolean =>
    (data.domains || "").split(",").some((one) => one && (host === one || host.endsWith("." + one)));

  // A visitor that comes over from another domain of the site keeps the id, for two minutes after the click.
  const arrive = safe((): void => {
    const url = new URL(here.href);
    const given = url.searchParams.get(LINK);
    if (!given) return;
    url.searchParams.delete(LINK);
    history.replaceState(history.state, "", url.href);
    const [id, at] = given.split(".");
    if (!id || !(Math.abs(now() - parseInt(at!, 36)) < LINK_MS)) return;
    linked = id;
    if (me.v) me.v = id;
  });

  const across = safe((event: Event): void => {
    const link = (event.target as Element).closest("a[href]") as HTMLAnchorElement | null;
    if (!link || !me.v || link.hostname === here.hostname || !ours(link.hostname)) return;
    const url = new URL(link.href);
    url.searchParams.set(LINK, me.v + "." + now().toString(36));
    link.href = url.href;
  });

  const more = safe((): void => {
    for (const one of LATER) {
      if (data[one] !== "on") continue;
      const added = doc.createElement("script");
      added.src = base + "/assay-" + one + ".js";
      added.nonce = script!.nonce;
      doc.head.appendChild(added);
    }
  });

  assay._ = { data, me, on, parts: {}, put, keep, safe, ours };
  safe(() => {
    if (refused) assay.consent("denied");
    else {
      safe(() => {
        const known = JSON.parse(localStorage.getItem(STORE)!);
        if (known && known.q.push) state = Object.assign(me, known) && "granted"; // a queue, and not what somebody else wrote
      })();
      if (data.consent === "granted" || (data.mode && data.mode !== "cookieless")) assay.consent("granted");
    }
    arrive();
    for (const name of ["pushState", "replaceState"] as const) {
      const own = history[name];
      history[name] = function (this: History, ...given: Parameters<History["pushState"]>): void {
        own.apply(this, given);
        if (data.spa !== "off") page();
      };
    }
    addEventListener("popstate", page);
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      last = ""; // back to a page that the browser had kept: seen again
      page();
    });
    addEventListener("online", () => later(0));
    addEventListener("pagehide", () => leave("gone"));
    doc.addEventListener("visibilitychange", () => (doc.hidden ? leave("hide") : safe(engaged)()));
    doc.addEventListener("click", across, true);
    shown = doc.hidden ? 0 : now();
    page();
    if (data.user && data.user !== me.u) assay.identify(data.user, data.account);
    if (doc.readyState === "complete") more();
    else addEventListener("load", more);
  })();
  return assay;
}
