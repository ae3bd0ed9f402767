// Module datalayer: what a page pushes into GA4's dataLayer, before and after this script came, read as events.
//
// Both forms: dataLayer.push({event: "purchase", ecommerce: {…}}) and gtag("event", "purchase", {…}). Page views are the
// core's own; gtm.… and what gtag says to itself is passed over. gtag("consent", …) and user_id are heard.
import { part } from "../part";
import type { Props } from "../core";

const SALES = ["purchase", "refund"];
// The core tells these itself; the rest is meant for Google or names a person by e-mail address or the like.
const NOT_EVENTS = /^(gtm\.|page_view$|user_engagement$|session_start$|first_visit$|gtag\.)/;
const NOT_PROPS = /^(event|ecommerce|event_callback|event_timeout|eventCallback|eventTimeout|send_to|user_data|user_properties|_clear|debug_mode|transport_type)$|^gtm\./;

type Entry = Record<string, unknown> & { length?: number };

part("datalayer", (assay, { data, put, safe, me }) => {
  const layers = window as unknown as Record<string, unknown[] | undefined>;
  const name = data.layer || "dataLayer";
  const layer = (layers[name] = layers[name] || []);

  const plain = (value: unknown): boolean => value != null && (typeof value !== "object" || Array.isArray(value)) && typeof value !== "function";

  const event = (what: string, given: Props): void => {
    if (NOT_EVENTS.test(what)) return;
    const props: Props = {};
    for (const key in given) if (!NOT_PROPS.test(key) && plain(given[key])) props[key] = given[key];
    if (SALES.indexOf(what) >= 0) {
      if (props.transaction_id != null) props.order_id = String(props.transaction_id);
      if (props.value != null) props.revenue = props.value;
      delete props.transaction_id;
      delete props.value;
    }
    put(what, props);
  };

  const known = (given: unknown): void => {
    const user = given && (given as Props).user_id;
    if (user && String(user) !== me.u) assay.identify(String(user));
  };

  const consent = (kind: unknown, given: unknown): void => {
    const storage = given && (given as Props).analytics_storage;
    // Denied by default only means that nobody was asked yet.
    if (storage === "granted" || (storage === "denied" && kind === "update")) assay.consent(storage);
  };

  const read = safe((entry: Entry): void => {
    if (!entry || typeof entry !== "object") return;
    if (typeof entry.event === "string") {
      known(entry);
      event(entry.event, Object.assign({}, entry, entry.ecommerce));
    } else if (entry.length) {
      const [verb, first, second] = Array.prototype.slice.call(entry) as unknown[];
      if (verb === "event") event(String(first), (second || {}) as Props);
      else if (verb === "consent") consent(first, second);
      else if (verb === "config") known(second);
      else if (verb === "set") known(first === "user_id" ? { user_id: second } : first);
    }
  });

  layer.slice().forEach((one) => read(one as Entry));
  const own = layer.push;
  layer.push = (...given: unknown[]): number => {
    const length = own.apply(layer, given);
    given.forEach((one) => read(one as Entry));
    return length;
  };
});
