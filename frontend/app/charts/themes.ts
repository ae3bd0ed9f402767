// Colours of charts where no style sheet is: drawing on the server. Light and dark say the same as app.css (tested).
// Categories are Okabe and Ito's, darkened on light ground until they stand out from it 3 : 1.

type Theme = Record<string, string>;

const light: Theme = {
  text: "#17202b", muted: "#566172", surface: "#ffffff", grid: "#e6e9ee", axis: "#9aa3b0", rest: "#8b94a1",
  accent: "#1f5fbf", pale: "#c9dbf5", badpale: "#f3cfc6", good: "#117a55", bad: "#b3361b", warning: "#8f5b00",
  up: "#00795a", down: "#c04f00", strong: "#3a4656", flow: "#bcd0ec", pattern: "#ffffff88",
  series1: "#0072b2", series2: "#c04f00", series3: "#00795a", series4: "#a8558a", series5: "#9a6700", series6: "#2583b8",
  series7: "#5b6472",
  heat1: "#edf3fb", heat2: "#d3e2f6", heat3: "#a9c8ee", heat4: "#73a4df", heat5: "#3471c0", heat6: "#1b4f9c",
  heattext1: "#17202b", heattext2: "#17202b", heattext3: "#17202b", heattext4: "#17202b", heattext5: "#ffffff",
  heattext6: "#ffffff",
};

const dark: Theme = {
  text: "#e8ecf2", muted: "#a3aebd", surface: "#171d26", grid: "#2a3340", axis: "#5f6b7c", rest: "#788494",
  accent: "#7fb0ff", pale: "#2c4672", badpale: "#5c2f26", good: "#4cc38a", bad: "#ff8a70", warning: "#f0b429",
  up: "#2fc29a", down: "#f08a4b", strong: "#c3ccd8", flow: "#31486d", pattern: "#0f141b88",
  series1: "#4ba3e3", series2: "#f08a4b", series3: "#2fc29a", series4: "#dd93bf", series5: "#e6b450", series6: "#7fcdf2",
  series7: "#aab4c2",
  heat1: "#1e2836", heat2: "#223a5c", heat3: "#2a5185", heat4: "#3f74b8", heat5: "#6fa3e6", heat6: "#a9cbff",
  heattext1: "#e8ecf2", heattext2: "#e8ecf2", heattext3: "#e8ecf2", heattext4: "#ffffff", heattext5: "#0f141b",
  heattext6: "#0f141b",
};

const print: Theme = { ...light, text: "#000000", muted: "#444444", grid: "#d9d9d9", axis: "#777777" };

export const themes: Record<string, Theme> = { light, dark, print };
