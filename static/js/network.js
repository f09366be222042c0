// @ts-check
/** Say that the network is gone, and when it is back. */

/** @param {import("./trouble.js").Trouble} trouble */
export function watchNetwork(trouble) {
  const look = async () => {
    if (navigator.onLine) return trouble.over(["offline"]);
    try {
      await fetch("healthz", { cache: "no-store" }); // a gateway on this machine needs no network
    } catch {
      if (!navigator.onLine) trouble.tell("offline");
    }
  };
  addEventListener("online", look);
  addEventListener("offline", look);
  void look();
}
