// The commands of the tests on the official client, for a Node process and for a page.

// Returns a function that runs a command, and one that stops all connections. Results and events go to
// `writeLine`. With `sendsCookies`, requests are sent with credentials.
export function createCommands(signalR, { sendsCookies, writeLine }) {
  const connections = new Map();

  async function connect({ client, url, token, headers, skipsNegotiation, reconnects }) {
    const options = { headers, withCredentials: sendsCookies };
    if (token !== null) {
      options.accessTokenFactory = () => token;
    }
    if (skipsNegotiation) {
      options.skipNegotiation = true;
      options.transport = signalR.HttpTransportType.WebSockets;
    }
    let builder = new signalR.HubConnectionBuilder()
      .withUrl(url, options)
      .configureLogging(signalR.LogLevel.None);
    if (reconnects) {
      builder = builder.withAutomaticReconnect();
    }
    const connection = builder.build();
    connection.on("ReceiveMessage", (message) => writeLine({ client, received: message }));
    connection.onreconnecting(() => writeLine({ client, event: "reconnecting" }));
    connection.onreconnected(() => writeLine({ client, event: "reconnected" }));
    connection.onclose(() => writeLine({ client, event: "closed" }));
    connections.set(client, connection);
    await connection.start();
  }

  const commands = {
    connect,
    invoke: ({ client, method, values }) => connections.get(client).invoke(method, ...values),
    send: ({ client, method, values }) => connections.get(client).send(method, ...values),
    stream: ({ client, method, values }) =>
      new Promise((resolve, reject) => {
        const stream = connections.get(client).stream(method, ...values);
        stream.subscribe({ next: () => {}, complete: resolve, error: reject });
      }),
    disconnect: ({ client }) => connections.get(client).stop(),
    fetch: async ({ url, options }) => {
      const response = await fetch(url, options);
      const headers = Object.fromEntries(response.headers);
      return { status: response.status, headers, text: await response.text() };
    },
  };

  async function run({ number, command, ...details }) {
    try {
      writeLine({ number, result: await commands[command](details) });
    } catch (error) {
      writeLine({ number, error: String(error.message ?? error) });
    }
  }

  const stop = () => Promise.all([...connections.values()].map((connection) => connection.stop()));
  return { run, stop };
}
