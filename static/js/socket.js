// @ts-check
/**
 * A generation's stream over a WebSocket, as the response to GET /api/chat/{id}/stream would be: for when all of the
 * browser's HTTP connections are in use (lines.js). What the gateway refuses here is to be asked for over HTTP, which
 * says why.
 */

/** ms that the gateway may take to accept one */
const OPENING = 5000;

/** Whether one comes through; nothing is said over it. @param {AbortSignal} signal @param {string} [page]  where the page is */
export async function reach(signal, page = document.baseURI) {
  const socket = connect(signal, page);
  const first = await new Promise((resolve) => (socket.onopen = socket.onclose = resolve));
  socket.close();
  return first.type === "open";
}

/**
 * @param {string} id
 * @param {string | null} cursor  id of the last event that is known
 * @param {AbortSignal} signal
 * @param {string} [page]  where the page is
 * @returns {Promise<Response>} as soon as it is open; from the start, as soon as there is something
 * @throws when it does not come through, or is refused
 */
export function listen(id, cursor, signal, page = document.baseURI) {
  const socket = connect(signal, page);
  const encoder = new TextEncoder();
  return new Promise((resolve, reject) => {
    let opened = false;
    const open = () => {
      if (!opened) resolve(new Response(body));
      opened = true;
    };
    const body = new ReadableStream({
      start(stream) {
        const fail = () => {
          const error = new Error("the WebSocket was refused or cut");
          if (opened) stream.error(error);
          else reject(error);
          socket.close();
        };
        socket.onopen = () => {
          socket.send(JSON.stringify({ resume: { id, after: cursor } }));
          if (cursor !== null) open();
        };
        socket.onmessage = ({ data }) => {
          const said = JSON.parse(data);
          if (said.id === null) return fail();
          const frame = said === "[DONE]" ? "data: [DONE]" : `id: ${said.id}\ndata: ${JSON.stringify(said.event)}`;
          stream.enqueue(encoder.encode(`${frame}\n\n`));
          open();
        };
        socket.onclose = fail;
      },
      cancel: () => socket.close(),
    });
  });
}

/** One that is closed when it opens too late, or is given up. @param {AbortSignal} signal @param {string} page */
function connect(signal, page) {
  const address = new URL("api/chat/ws", page);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  const close = () => socket.close();
  const late = setTimeout(close, OPENING);
  signal.addEventListener("abort", close);
  socket.addEventListener("open", () => clearTimeout(late));
  socket.addEventListener("close", () => {
    clearTimeout(late);
    signal.removeEventListener("abort", close);
  });
  if (signal.aborted) close();
  return socket;
}
