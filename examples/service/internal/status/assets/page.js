// Keeps the page up to date: what has changed on a fresh copy of it is taken over, and nothing else is touched,
// so that a button keeps its focus and a click is never lost.
"use strict";

async function refresh() {
  const verdict = document.getElementById("verdict");
  try {
    const answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(3000) });
    if (!answer.ok) throw new Error(`answered by ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = fresh.title;
    for (const part of [verdict, ...document.querySelectorAll("[data-live]")]) {
      const now = fresh.getElementById(part.id);
      if (!now) continue;
      if (part.className !== now.className) part.className = now.className;
      if (part.innerHTML !== now.innerHTML) replace(part, now);
    }
  } catch {
    verdict.className = "verdict fail";
    verdict.textContent = "The service does not answer";
  }
}

function replace(part, now) {
  const focused = part.contains(document.activeElement) ? document.activeElement.value : null;
  part.innerHTML = now.innerHTML;
  const buttons = [...part.querySelectorAll("button:enabled")];
  if (focused) (buttons.find((b) => b.value === focused) ?? buttons[0])?.focus();
}

document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams({ mode: event.submitter.value });
  await fetch(event.target.action, { method: "POST", body }).catch(() => {});
  refresh();
});

(async () => {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (!document.hidden) await refresh();
  }
})();
