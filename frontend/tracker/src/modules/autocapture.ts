// Loaded after the page with data-autocapture="on": clicks on what can be clicked, without naming it first. Never a value:
// of fields only which one it was; of buttons and links the first words. data-assay-ignore takes a part of the page out.
import { part } from "../part";
import type { Props } from "../core";

const CLICKABLE = "a[href],button,input,select,textarea,summary,[role=button],[role=link],[role=tab],[role=menuitem],[onclick]";
const FIELDS = /^(input|select|textarea)$/;
const MOST_TEXT = 60;
const MOST_STEPS = 5;

part("autocapture", (_assay, { put, safe }) => {
  const step = (element: Element): string => {
    const name = element.tagName.toLowerCase();
    if (element.id) return name + "#" + element.id;
    const classes = Array.from(element.classList).slice(0, 2);
    const parent = element.parentElement;
    const alike = parent ? Array.from(parent.children).filter((one) => one.tagName === element.tagName) : [];
    return [name].concat(classes).join(".") + (alike.length > 1 ? ":nth-of-type(" + (alike.indexOf(element) + 1) + ")" : "");
  };

  const selector = (element: Element): string => {
    const steps: string[] = [];
    for (let at: Element | null = element; at && at !== document.body && steps.length < MOST_STEPS; at = at.parentElement) {
      steps.unshift(step(at));
      if (at.id) break;
    }
    return steps.join(" > ");
  };

  const words = (element: Element): string | undefined => {
    if (element.querySelector("input,select,textarea,[contenteditable]")) return undefined;
    const text = (element.getAttribute("aria-label") || element.textContent || "").replace(/\s+/g, " ").trim();
    return text.length > MOST_TEXT ? text.slice(0, MOST_TEXT) + "…" : text || undefined;
  };

  document.addEventListener("click", safe((event: MouseEvent): void => {
    const element = (event.target as Element).closest(CLICKABLE) as HTMLElement | null;
    if (!element || element.closest("[data-assay-ignore],[contenteditable]")) return;
    const tag = element.tagName.toLowerCase();
    const props: Props = { element: tag, selector: selector(element), x: Math.round(event.pageX), y: Math.round(event.pageY) };
    if (FIELDS.test(tag)) {
      props.field = element.getAttribute("name") || element.id || undefined;
      props.field_type = element.getAttribute("type") || undefined;
    } else props.link_text = words(element);
    if (tag === "a") props.link_url = (element as HTMLAnchorElement).href;
    put("$autocapture", props);
  }), true);
});
