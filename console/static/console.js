// Adds to each time in UTC the same in the viewer's own time, where that differs. Without this script the pages work as well.
"use strict";
(function () {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return;
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = (at) => [at.getFullYear(), at.getMonth(), at.getDate()].join();
  const utcDay = (at) => [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()].join();
  let isAdded = false;
  for (const element of document.querySelectorAll("time[datetime]")) {
    const at = new Date(element.dateTime);
    if (isNaN(at) || at.getTimezoneOffset() === 0) continue; // of that day: London is at UTC in winter alone
    const date = day(at) === utcDay(at) ? {} : { day: "numeric", month: "short" };
    const local = document.createElement("span");
    local.className = "local";
    local.textContent = at.toLocaleString("en-GB", { ...date, ...clock });
    local.title = zone;
    element.after(" ", local);
    isAdded = true;
  }
  if (!isAdded) return;
  for (const note of document.querySelectorAll(".local-zone")) {
    note.textContent += ", " + zone;
    note.hidden = false;
  }
})();
