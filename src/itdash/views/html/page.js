(() => {
  const find = (id) => document.getElementById(id);
  const form = find("filter");
  if (!form) return;
  const files = [...document.querySelectorAll("details.file")];
  let rows = null;
  const read = () => files.flatMap((file) => {
    const head = file.firstElementChild.firstElementChild.textContent;
    return [...file.querySelectorAll("tbody tr")].map((row) => ({
      row, file, text: (head + "::" + row.textContent).toLowerCase(),
      result: row.cells[1].textContent.split(",")[0],
    }));
  });
  const apply = () => {
    rows ??= read();
    const words = find("words").value.toLowerCase().split(/\s+/).filter(Boolean);
    const result = find("result").value;
    const active = words.length > 0 || result !== "";
    const shown = new Set();
    let count = 0;
    for (const one of rows) {
      const fits = (!result || one.result === result) && words.every((word) => one.text.includes(word));
      one.row.hidden = !fits;
      if (fits) { shown.add(one.file); count += 1; }
    }
    for (const file of files) {
      file.hidden = !shown.has(file);
      if (active && count <= 500) file.open = shown.has(file);
    }
    find("count").textContent = active ? count + " of " + rows.length + " tests" : "";
  };
  const every = (open) => document.querySelectorAll("details").forEach((one) => { one.open = open; });
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  find("open").addEventListener("click", () => every(true));
  find("fold").addEventListener("click", () => every(false));
  const follow = () => {
    const target = find(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  };
  window.addEventListener("hashchange", follow);
  follow();
})();
