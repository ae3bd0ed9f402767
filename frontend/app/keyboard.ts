// Keys: / search, g and a letter to go, arrows in lists, ? help. Off while one types, and with any modifier.

const pause = 1200; // between g and its letter, in ms

function typing(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement | null;
  return event.ctrlKey || event.metaKey || event.altKey || at?.isContentEditable === true
    || /^(INPUT|TEXTAREA|SELECT)$/.test(at?.tagName ?? "");
}

/** Links with ``data-go="o"`` are reached by g o; the help lists them. */
function ways(): Map<string, HTMLAnchorElement> {
  return new Map([...document.querySelectorAll<HTMLAnchorElement>("a[data-go]")].map((link) => [link.dataset.go ?? "", link]));
}

function help(): void {
  const dialog = document.querySelector<HTMLDialogElement>("dialog#keys") ?? made();
  if (!dialog.open) dialog.showModal();
}

function made(): HTMLDialogElement {
  const dialog = document.createElement("dialog");
  dialog.id = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = "Keyboard";
  const list = document.createElement("dl");
  list.className = "keys";
  const lines: [string, string][] = [["/", "Search"], ["?", "This help"], ["↑ ↓", "Move in lists and tables"], ["Esc", "Close"]];
  for (const [letter, link] of ways()) lines.push([`g ${letter}`, link.textContent?.trim() ?? ""]);
  for (const [keys, words] of lines) {
    const term = document.createElement("dt");
    for (const one of keys.split(" ")) {
      const key = document.createElement("kbd");
      key.textContent = one;
      term.append(key, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = words;
    list.append(term, meaning);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button";
  close.dataset.close = "";
  close.textContent = "Close";
  dialog.append(title, list, close);
  document.body.append(dialog);
  return dialog;
}

/** Arrows in ``[data-list]``: the links and buttons of its rows, Home and End to the ends. */
function arrows(event: KeyboardEvent): void {
  const list = (event.target as Element | null)?.closest?.("[data-list]");
  if (!list || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  const stops = [...list.querySelectorAll<HTMLElement>("a[href], button:not([disabled]), summary")].filter((one) => one.offsetParent !== null);
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const next = event.key === "Home" ? 0 : event.key === "End" ? stops.length - 1 : at + (event.key === "ArrowDown" ? 1 : -1);
  if (stops[next]) {
    event.preventDefault();
    stops[next]?.focus();
  }
}

/** Listens for all of them. */
export function keyboard(): void {
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || typing(event)) return;
    if (document.querySelector("dialog[open]")) return;
    if (going && Date.now() - going < pause) {
      going = 0;
      const link = ways().get(event.key);
      if (link) {
        event.preventDefault();
        link.click();
      }
    } else if (event.key === "g") going = Date.now();
    else if (event.key === "/") {
      const search = document.querySelector<HTMLElement>("[data-search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    } else if (event.key === "?") {
      event.preventDefault();
      help();
    } else arrows(event);
  });
  document.addEventListener("click", (event) => {
    if ((event.target as Element | null)?.closest?.("[data-help]")) help();
  });
}
