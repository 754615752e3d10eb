// Pages work without this by reloading. It asks for the page again when the keeper says that something has changed, puts
// the parts marked data-live in place, and copies a field on request.
"use strict";

const QUIET = 2000; // milliseconds between two looks
const parts = document.querySelectorAll("[data-live]");
const footer = document.getElementById("live");
let paused = false, wanted = false, looking = false;

function isInUse(part) {
  const chosen = document.getSelection();
  return part.contains(document.activeElement) || (chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode));
}

function put(fresh, part) {
  const open = new Set([...part.querySelectorAll("details[open][id]")].map((each) => each.id));
  part.replaceChildren(...document.importNode(fresh, true).childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  prepare(part);
}

async function look() {
  if (looking || paused || document.hidden) { wanted = true; return; }
  looking = true; wanted = false;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.dataset.seen && !isInUse(part)) {
          part.dataset.seen = fresh.innerHTML;
          put(fresh, part);
        }
      }
    }
  } catch { /* the next event asks again */ }
  setTimeout(() => { looking = false; if (wanted) look(); }, QUIET);
}

function prepare(within) {
  for (const button of within.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
      else document.execCommand("copy"); // not over TLS, and not on this machine
      button.textContent = "Copied";
    });
  }
}

prepare(document);
if (parts.length && "EventSource" in window) {
  const events = new EventSource("/events");
  events.addEventListener("changed", look);
  events.addEventListener("open", () => { footer.hidden = false; });
  events.addEventListener("error", () => { footer.hidden = events.readyState === EventSource.CLOSED; });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted) look(); });
  const [said, button] = footer.children;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on with updates" : "Pause updates";
    said.textContent = paused ? "This page stands still." : "This page follows what happens.";
    if (!paused) look();
  });
}
