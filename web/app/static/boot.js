// Starts the map's wasm. A module of its own because the content security policy forbids inline script.
globalThis.heliotropeAssets = new URL("./", import.meta.url).href;
const failed = (error) => {
  document.getElementById("boot-text").textContent =
    `This page needs WebAssembly and JavaScript modules, and they could not start: ${error}. Reload the page, or open it in a current browser.`;
};
try {
  const { default: init } = await import("./heliotrope-web.js");
  await init({ module_or_path: new URL("./heliotrope-web_bg.wasm", import.meta.url) });
  document.getElementById("boot")?.remove();
} catch (error) {
  failed(error);
}
