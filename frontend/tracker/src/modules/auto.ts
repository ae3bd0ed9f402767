// Module auto: how far a page is scrolled, links that lead away, downloads, forms, marked elements. Never a field's value.
import { part } from "../part";
import type { Line, Props } from "../core";

const DEPTHS = [25, 50, 75, 90]; // per cent of the page's height that were in view
const FILES =
  /\.(pdf|docx?|xlsx?|pptx?|pp[st]|odt|ods|rtf|txt|csv|key|pkg|exe|dmg|apk|msi|zip|rar|7z|gz|tgz|avi|mov|mp4|mpe?g|wmv|mp3|wav|wma|midi?|epub|ics)$/i;
const SECOND = 1000;
const BY_ITSELF: Partial<Line> = { in: false }; // no action of the visitor

interface Filling {
  props: Props;
  touched: Set<string>;
  last: string;
}

part("auto", (_assay, { put, safe, on, ours }) => {
  const doc = document;
  let address = location.href;
  let depth = 0; // of DEPTHS, those that were told
  const filling = new Map<Element, Filling>(); // forms that were begun and not sent

  const done = new Set<Element>(); // elements that were told to be in view

  const of = (event: Event, selector: string): Element | null => (event.target as Element).closest(selector);

  const scrolled = safe((): void => {
    const root = doc.documentElement;
    const share = (100 * (scrollY + innerHeight)) / Math.max(root.scrollHeight, 1);
    while (depth < DEPTHS.length && share >= DEPTHS[depth]!) put("scroll", { percent_scrolled: DEPTHS[depth++] }, BY_ITSELF);
  });

  const clicked = safe((event: Event): void => {
    const marked = of(event, "[data-assay-click]") as HTMLElement | null;
    if (marked) put("element_click", named(marked, "assayClick"));
    const link = of(event, "a[href],area[href]") as HTMLAnchorElement | null;
    if (!link || !/^https?:$/.test(link.protocol)) return;
    const file = link.pathname.split("/").pop()!;
    const kind = FILES.exec(file);
    const away = link.hostname !== location.hostname && !ours(link.hostname);
    const props: Props = { link_url: link.href, link_domain: link.hostname, link_id: link.id || undefined };
    if (kind) put("file_download", Object.assign(props, { file_name: decoded(file), file_extension: kind[1]!.toLowerCase() }));
    else if (away) put("click", Object.assign(props, { outbound: true }));
  });

  const decoded = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };

  /** The element's name, and its data-assay-prop-… as properties. */
  const named = (element: HTMLElement, key: string): Props => {
    const props: Props = {};
    for (const one in element.dataset) {
      const rest = /^assayProp(.+)/.exec(one);
      if (rest) props[rest[1]!.replace(/[A-Z]/g, (letter, at) => (at ? "_" : "") + letter.toLowerCase())] = element.dataset[one];
    }
    props.element = element.dataset[key];
    return props;
  };

  // A field called "id" or "action" hides the form's own property of that name: so attributes.
  const told = (form: Element): Props => {
    const props: Props = { form_length: (form as HTMLFormElement).querySelectorAll("input,select,textarea").length };
    for (const one of ["id", "name"]) props["form_" + one] = form.getAttribute(one) || undefined;
    const action = form.getAttribute("action");
    if (action) props.form_destination = new URL(action, address).href.split(/[?#]/)[0];
    return props;
  };

  const touched = safe((event: Event): void => {
    const field = event.target as HTMLInputElement;
    const form = field.form;
    if (!form) return;
    let one = filling.get(form);
    if (!one) {
      one = { props: told(form), touched: new Set(), last: "" };
      filling.set(form, one);
      put("form_start", one.props);
    }
    one.last = field.name || field.id || field.type;
    one.touched.add(one.last);
  });

  const sent = safe((event: Event): void => {
    const form = event.target as Element;
    put("form_submit", told(form));
    filling.delete(form);
  });

  const left = (): void => {
    filling.forEach((one) =>
      put("form_abandon", Object.assign({ last_field: one.last, fields_touched: one.touched.size }, one.props),
        { in: false, u: address }));
    filling.clear();
  };

  on.push((what) => {
    if (what === "hide") return;
    left();
    if (what === "page") {
      address = location.href;
      depth = 0;
      done.clear();
    }
  });
  addEventListener("scroll", scrolled, { passive: true });
  doc.addEventListener("click", clicked, true);
  doc.addEventListener("auxclick", clicked, true);
  doc.addEventListener("input", touched, true);
  doc.addEventListener("change", touched, true);
  doc.addEventListener("submit", sent, true);

  // Half of an element, or half of the window, for a second.
  const waiting = new Map<Element, ReturnType<typeof setTimeout>>();
  const seen = (element: HTMLElement): void => {
    if (done.has(element)) return;
    done.add(element);
    put("element_view", named(element, "assayView"), BY_ITSELF);
  };
  const crossed = safe((entries: IntersectionObserverEntry[]): void => {
    for (const entry of entries) {
      const element = entry.target as HTMLElement;
      const half = entry.intersectionRatio >= 0.5 || entry.intersectionRect.height >= innerHeight / 2;
      if (half && !waiting.has(element)) waiting.set(element, setTimeout(() => safe(seen)(element), SECOND));
      if (half) continue;
      clearTimeout(waiting.get(element)!);
      waiting.delete(element);
    }
  });
  const watch = new IntersectionObserver(crossed, { threshold: [0, 0.25, 0.5, 0.75, 1] });
  let looking: unknown;
  const look = (): void => {
    looking = looking || setTimeout(() => {
      looking = 0;
      doc.querySelectorAll("[data-assay-view]").forEach((one) => watch.observe(one));
    }, 100);
  };
  new MutationObserver(look).observe(doc.documentElement, { childList: true, subtree: true });
  look();
});
