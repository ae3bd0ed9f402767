// What pages do beyond links and forms: parts that load by themselves (htmx), theme, keyboard, menus, copying, periods.
// Everything here is an addition: without it each page works by links, forms and <details>.

import "htmx.org/dist/htmx.esm.js";
import { keyboard } from "./keyboard";

const root = document.documentElement;

function on<K extends keyof DocumentEventMap>(name: K, selector: string, act: (at: HTMLElement, event: DocumentEventMap[K]) => void): void {
  document.addEventListener(name, (event) => {
    const at = (event.target as Element | null)?.closest?.<HTMLElement>(selector);
    if (at) act(at, event);
  });
}

/** ``<button data-theme-set="dark">``; "auto" follows the system. */
function theme(): void {
  const now = (): string => root.dataset.theme ?? "auto";
  const mark = (): void => document.querySelectorAll<HTMLElement>("[data-theme-set]").forEach((button) =>
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === now())));
  on("click", "[data-theme-set]", (button) => {
    const wanted = button.dataset.themeSet ?? "auto";
    if (wanted === "auto") delete root.dataset.theme;
    else root.dataset.theme = wanted;
    try {
      if (wanted === "auto") localStorage.removeItem("assay-theme");
      else localStorage.setItem("assay-theme", wanted);
    } catch {
      // without storage it holds for this page
    }
    mark();
  });
  mark();
}

/** ``<details class="menu">``: one open at a time, closed by a click elsewhere and by Escape, which gives the focus back. */
function menus(): void {
  const open = (): HTMLDetailsElement[] => [...document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")];
  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target as Node)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary")?.focus();
    }
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of open()) if (!menu.contains(event.target as Node)) menu.open = false;
  });
}

/** ``<button data-copy="#id">`` copies what stands there, ``data-copy-text`` its own text. */
function copying(): void {
  on("click", "[data-copy], [data-copy-text]", async (button) => {
    const from = button.dataset.copy ? document.querySelector<HTMLElement>(button.dataset.copy) : null;
    const text = button.dataset.copyText ?? (from instanceof HTMLInputElement ? from.value : from?.textContent) ?? "";
    try {
      await navigator.clipboard.writeText(text.trim());
      say(button.dataset.copied ?? "Copied");
    } catch {
      if (from) getSelection()?.selectAllChildren(from);
      say("Press Ctrl+C to copy what is selected");
    }
  });
}

/** A word to everybody, readers of the screen too. */
export function say(text: string): void {
  let place = document.querySelector<HTMLElement>("#said");
  if (!place) {
    place = document.createElement("div");
    place.id = "said";
    place.className = "toast";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = text;
  place.classList.add("shown");
  setTimeout(() => place.classList.remove("shown"), 2500);
}

/** Parts that load by themselves: a button that stops them, and words where they fail. */
function parts(): void {
  on("click", "[data-cancel]", (button) => {
    const part = button.closest<HTMLElement>("[hx-get], [data-hx-get]");
    if (!part) return;
    part.dispatchEvent(new CustomEvent("htmx:abort"));
    told(part, "Stopped. Nothing was lost.");
  });
  const failed = (event: Event): void => {
    const from = event.target as Element;
    const part = from.matches("[role=status]") ? null : from.closest<HTMLElement>(".part"); // how far it is: no harm
    if (part) told(part, "This part could not be loaded.");
  };
  document.addEventListener("htmx:error", failed);
  document.addEventListener("htmx:response:error", failed);
}

function told(part: HTMLElement, words: string): void {
  const address = part.getAttribute("hx-get") ?? part.getAttribute("data-hx-get") ?? "";
  part.removeAttribute("aria-busy");
  const box = document.createElement("p");
  box.className = "part-stopped";
  box.textContent = `${words} `;
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button small";
  again.textContent = "Load it again";
  again.addEventListener("click", () => {
    const htmx = (window as unknown as { htmx: { ajax(method: string, url: string, how: object): void } }).htmx;
    part.setAttribute("aria-busy", "true");
    htmx.ajax("GET", address, { target: part, swap: part.getAttribute("hx-swap") ?? "innerHTML" });
  });
  box.append(again);
  part.replaceChildren(box);
}

/** Period picker: own days switch the choice to "custom"; the first day is never after the last. */
function periods(): void {
  on("change", ".period input[type=date]", (input) => {
    const form = input.closest("form");
    if (!form) return;
    const [from, to] = ["from", "to"].map((name) => form.querySelector<HTMLInputElement>(`input[type=date][name="${name}"]`));
    if (from && to) {
      to.min = from.value;
      from.max = to.value;
      const own = form.querySelector<HTMLInputElement>('input[type=radio][value="custom"]');
      if (own) own.checked = true;
      to.setCustomValidity(from.value && to.value && from.value > to.value ? "The last day is before the first" : "");
    }
  });
  on("change", "select[data-submit], input[data-submit]", (field) => field.closest("form")?.requestSubmit());
  // The back button brings a page back with what was chosen last: its choices are those of its address.
  addEventListener("pageshow", () => document.querySelectorAll<HTMLFormElement>("form:has([data-submit])").forEach((form) => form.reset()));
}

/** ``data-close`` closes its dialog, ``data-dialog="#id"`` opens one; a click on the ground closes too. */
function dialogs(): void {
  on("click", "[data-dialog]", (button) => document.querySelector<HTMLDialogElement>(button.dataset.dialog ?? "")?.showModal());
  on("click", "[data-close]", (button) => button.closest("dialog")?.close());
  document.addEventListener("click", (event) => {
    if (event.target instanceof HTMLDialogElement && !event.target.hasAttribute("data-stay")) event.target.close();
  });
}

/** Tooltips stay away after Escape until left. */
function tips(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelectorAll(".tip:hover, .tip:focus-within").forEach((tip) => tip.classList.add("hushed"));
  });
  on("mouseout", ".tip.hushed", (tip) => tip.classList.remove("hushed"));
  on("focusout", ".tip.hushed", (tip) => tip.classList.remove("hushed"));
}

/** Tables that are larger than their place can be moved by the keyboard. */
function wide(): void {
  document.querySelectorAll<HTMLElement>(".table-wrap").forEach((box) => {
    const more = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (more) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  });
}

/** The page's own link is in sight where the navigation is a bar that is wider than the window. */
function here(): void {
  const bar = document.querySelector<HTMLElement>(".side");
  const link = bar?.querySelector<HTMLElement>('[aria-current="page"]');
  if (bar && link) bar.scrollLeft += link.getBoundingClientRect().left - (bar.clientWidth - link.clientWidth) / 2;
}

/** Bars that can be moved sideways say at which side there is more. */
function more(): void {
  document.querySelectorAll<HTMLElement>(".side, .top-inner").forEach((bar) => {
    const mark = (): void => {
      const left = bar.scrollLeft > 4, right = bar.scrollLeft + bar.clientWidth < bar.scrollWidth - 12;
      bar.dataset.more = `${left ? "left" : ""} ${right ? "right" : ""}`.trim();
    };
    bar.addEventListener("scroll", mark, { passive: true });
    addEventListener("resize", mark);
    mark();
  });
}

function start(): void {
  theme();
  menus();
  copying();
  parts();
  periods();
  dialogs();
  tips();
  keyboard();
  wide();
  here();
  more();
  addEventListener("resize", wide);
  document.addEventListener("toggle", wide, true);
  document.addEventListener("htmx:after:settle", () => wide());
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
