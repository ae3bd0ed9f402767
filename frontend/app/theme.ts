// Before anything is painted: the theme that was chosen, and that scripts run.

const root = document.documentElement;
root.classList.add("js");
try {
  const chosen = localStorage.getItem("assay-theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
} catch {
  // no storage: the system's theme
}

export {};
