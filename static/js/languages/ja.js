// @ts-check
/** Japanese. */

import { formats } from "./formats.js";

const { number, measure, dollars, size } = formats("ja");
/** @param {number} ms */
const time = (ms) => (ms < 950 ? `${number(ms)} ミリ秒` : `${measure(ms / 1000)} 秒`);

/** @param {number} s */
const wait = (s) => {
  if (s < 100) return `${number(s)} 秒`;
  return s < 6000 ? `${number(Math.ceil(s / 60))} 分` : `${number(Math.ceil(s / 3600))} 時間`;
};

/** @type {import("./en.js").Texts} */
export const texts = {
  page: {
    tagline: "尋ねてください。答えは失われません。",
    promise:
      "答えはこのタブではなくサーバーで書かれます。再読み込みしても、回線が変わっても、画面を閉じても、止まったところから続きます。",
    newChat: "新しい会話",
    model: "モデル",
    ask: "Claude に尋ねる",
    message: "メッセージ",
    placeholder: "何でも尋ねてください",
    hint: "Enter で送信、Shift + Enter で改行",
    conversation: "会話",
    latest: "最新へ移動",
    demoTitle: "デモ",
    demo: "答えは模擬です。Claude と話すには ANTHROPIC_API_KEY を設定してください。",
    examples: "例",
    attach: "ファイルを添付",
    attachments: "添付ファイル",
    settings: "設定",
    dropHere: "ここにドロップして添付",
    close: "閉じる",
    answers: "回答",
    effort: "努力の度合い",
    thinking: "思考",
    maxTokens: "回答の最大の長さ(トークン)",
    system: "システムプロンプト",
    systemHint: "Claude に最初に伝える指示です。",
    forNew: "システムプロンプトとツールは、これから始める会話に適用されます。",
    tools: "ツール",
    noTools: "このゲートウェイにはありません。",
    thisPage: "このページ",
    language: "言語",
    appearance: "外観",
    typing: "文字の表示",
    singleKeys: "1 キーのショートカット",
    reset: "初期設定に戻す",
    shortcuts: "キーボードショートカット",
    signOut: "サインアウト",
    signIn: "サインイン",
    token: "アクセストークン",
    notNow: "後で",
    kept: "書きかけの内容はそのまま残ります。",
    conversations: "会話の一覧",
    search: "会話を検索",
    noConversations: "尋ねたことは、この端末のここに残ります。",
    earlier: "以前のメッセージ",
    showAll: "すべて表示",
    importFile: "読み込む",
    exportAll: "すべて書き出す",
    undo: "元に戻す",
    pinnedMark: "ピン留め中",
    writingMark: "答えを書いています",
    title: "題名",
    editPrompt: "質問を言い換える",
    cancel: "キャンセル",
    askAgain: "尋ねる",
    edit: "編集",
    copyPrompt: "質問をコピー",
    again: "もう一度答える",
  },

  examples: [
    { kind: "説明", prompt: "TCP は相手がいなくなったことにどうやって気づくのですか?" },
    { kind: "比較", prompt: "SSE、WebSocket、ロングポーリングの比較表。どれをいつ使う?" },
    { kind: "作成", prompt: "Python の小さな LRU キャッシュをテスト付きで" },
  ],
  exampleOfClaude: { kind: "思考", prompt: "星はどこにでもあるのに、なぜ夜空は暗いのでしょう?" },
  exampleOfDemo: {
    kind: "切断",
    prompt: "Claude への接続を途中で切って、答えが続く様子を見る",
    sent: "[[reset after=60 in=text]] 川はどうやって海への道を見つけるのですか。",
  },

  untitled: "無題",
  nothingFound: "見つかりません",
  found: (n) => `会話が ${number(n)} 件見つかりました`,
  period: {
    pinned: "ピン留め",
    today: "今日",
    yesterday: "昨日",
    week: "過去 7 日間",
    month: "過去 30 日間",
    older: "それ以前",
  },
  windowTitle: (title) => `${title} · claude-gateway`,
  actionsFor: (title) => `「${title}」の操作`,
  rename: "名前を変更",
  pin: "ピン留めする",
  unpin: "ピン留めを外す",
  exportMarkdown: "Markdown で書き出す",
  exportJson: "JSON で書き出す",
  delete: "削除",
  deleted: (title) => `削除しました:「${title}」`,
  restored: "会話を元に戻しました",
  sidebar: { open: "会話の一覧を表示", close: "会話の一覧を隠す" },
  allConversations: "会話",
  exported: {
    you: "あなた",
    claude: (model) => (model ? `Claude(${model})` : "クロード"),
    attachment: "添付ファイル",
    sources: "出典:",
  },
  imports: {
    done: (n) => `会話を ${number(n)} 件読み込みました`,
    tooLarge: (bytes) => `ファイルが大きすぎます。上限は ${size(bytes)} です。`,
    foreign: "これは書き出した会話のファイルではありません。",
    malformed: (place) => `何も読み込みませんでした。ファイルのこの箇所が壊れています: ${place}`,
    unreadable: "このファイルは読めません。",
    notStored: "ファイルを保存できませんでした。この端末に空きがありません。",
  },
  trouble: {
    full: "この端末に空きがありません。ここから先の内容はページを離れると失われます。会話を書き出すか削除してください。",
    broken: "ブラウザーが会話を保存できません。ここから先の内容はページを離れると失われます。",
    offline: "オフラインです。質問は、ネットワークが戻るまでここで待ちます。",
    unreachable: "今はゲートウェイに接続できません。書いた内容は残っています。",
    memory: "このブラウザーは何も保存しません。会話はページを離れるまで残ります。",
    lost: "保存した内容が削除されたか、新しいページで開かれました。再読み込みしてください。",
  },

  again: "もう一度答える",
  againWith: (model) => `${model} で`,
  branches: (at, all) => `${number(at)} / ${number(all)}`,
  promptBranch: { previous: "前の言い方", next: "次の言い方" },
  answerBranch: { previous: "前の答え", next: "次の答え" },

  send: "送信",
  stop: "停止",
  stopping: "停止しています…",
  you: "あなた",
  answerBy: (model) => (model ? `アシスタント、${model}` : "アシスタント"),
  gatewaysModel: "ゲートウェイのモデル",

  state: {
    connecting: "Claude を待っています",
    queued: "他の回答が終わるのを待っています：このブラウザーで使える接続が残っていません",
    streaming: "Claude を待っています",
    reconnecting: "接続が切れました。止まったところから再開しています",
    offline: "オフラインです。回線が戻れば続きます",
    stopping: "停止しています",
  },
  status: {
    thinking: "Claude が考えています",
    answering: "回答中",
    complete: (words) => `回答完了、${number(words)} 語`,
    stopped: "停止しました",
  },

  signIn: {
    why: "このゲートウェイは利用者の確認を必要とします。アクセストークンは管理者から受け取ってください。",
    whyJwt:
      "このゲートウェイは利用者の確認を必要とします。管理者に指定された場所でサインインしてからこのページを再読み込みするか、そこで得たトークン (JWT) を貼り付けてください。",
    ended: "セッションが終了しました。サインインすると、元の場所から続きます。",
    wrong: "このトークンは認識されません。取り消されたか、一部が欠けている可能性があります。",
    wrongJwt:
      "このトークンはここでは有効ではありません。期限が切れたか、別の用途のものか、一部が欠けている可能性があります。",
    tooOften: (s) => `試行回数が多すぎます。${wait(s)}後にもう一度お試しください。`,
    as: (name) => `${name} としてサインイン中`,
  },

  shortcuts: {
    send: "送信",
    newLine: "改行",
    stop: "回答を停止",
    message: "入力欄へ移動",
    newChat: "新しい会話",
    settings: "設定",
    sheet: "この一覧",
  },

  attach: {
    kinds: { image: "画像", pdf: "PDF 文書", text: "テキスト" },
    size: (bytes) => size(bytes),
    remove: (name) => `${name} を外す`,
    reading: "ファイルを読み込んでいます。",
    waits: "ゲートウェイを待っています",
    notYet: "いまゲートウェイに接続できません。添付したものは、つながるまでここで待ちます。",
    wrongType: (name) => `${name} は画像でも PDF でもテキストでもないため、Claude は読めません。`,
    tooLarge: (name, most) => `${name} は大きすぎます。上限は ${size(most)} です。`,
    empty: (name) => `${name} は空です。`,
    broken: (name) => `${name} を読めません。壊れている可能性があります。`,
    tooMany: (most) => `1 つのメッセージに添付できる画像は ${number(most)} 枚までです。`,
    tooMuch: (most) => `添付ファイルは合計 ${size(most)} までです。`,
  },

  cannot: {
    images: "画像に非対応",
    pdfs: "PDF に非対応",
    effort: "努力の度合いを選べません",
    thisEffort: "この度合いはありません",
    thinking: "思考しません",
    notThinking: "常に思考します",
    notThinkingHard: "「高い」より上では常に思考します",
  },
  unable: (choice, reason) => `${choice}(${reason})`,
  objection: (model, reason) => `${model}: ${reason}。別のモデルを選ぶか、ファイルを外してください。`,

  tokens: (tokens) => `${number(tokens)} トークン`,
  tokensOf: (tokens, most) => `このモデルの上限 ${number(most)} トークンのうち ${number(tokens)}(会話を含む)`,

  settingsChanged: "設定(変更あり)",
  modelsOwn: "モデルに任せる",
  efforts: { low: "低い", medium: "中程度", high: "高い", xhigh: "とても高い", max: "最大" },
  thinkings: { shown: "表示する", hidden: "表示しない", off: "オフ" },
  appearances: { system: "システムに合わせる", light: "ライト", dark: "ダーク" },
  paces: { smooth: "なめらかに", instant: "届いたまま" },
  keys: { on: "オン", off: "オフ" },
  maxTokensHint: (usual, most) => `通常 ${number(usual)}、最大 ${number(most)}。`,

  thinking: "思考中",
  thought: (ms) => `${time(ms)}間考えました`,
  thoughtAgain: (ms) => `中断の後、続けるために ${time(ms)}間考え直しました`,
  thinkingFor: (s) => `${number(s)} 秒間思考中`,
  thoughtBroken: "思考が中断されました",
  thoughtHidden: "Claude はこの思考を公開しませんでした。",

  blocks: {
    web_search: "ウェブ検索",
    web_fetch: "ウェブページ",
    code_execution: "プログラム",
    bash_code_execution: "シェル",
    text_editor_code_execution: "ファイル編集",
    tool_search_tool_regex: "ツールの検索",
    tool_search_tool_bm25: "ツール検索",
    compaction: "これまでの会話の要約",
    fallback: "別のモデルが引き継ぎました",
    mcp_tool_listing: "サーバーのツール一覧",
  },

  tool: {
    running: "実行中",
    done: "完了",
    failed: "失敗",
    writing: "作成中",
    input: "入力",
    result: "結果",
    returned: (code) => `終了コード ${number(code)}`,
  },

  copy: "コピー",
  copied: "コピーしました",
  wrap: "折り返す",
  /** @param {string} label */
  footnote: (label) => `脚注 ${label}`,
  /** @param {string} label */
  footnoteBack: (label) => `本文に戻る：脚注 ${label}`,
  table: "表",
  taskDone: "済み",
  taskOpen: "未了",
  image: "画像",

  seam: "ここで Claude への接続が切れました。以降は改めて求めた続きです。",
  retry: (reason, attempt) =>
    `Claude は続けられませんでした(${reason.replaceAll("_", " ")})。再依頼 ${number(attempt)} 回目`,

  stopReason: {
    max_tokens: "長さの上限で止まりました。",
    refusal: "Claude はこの質問への回答を控えました。",
    cancelled: "停止しました。",
    abandoned: "読む人がいなくなったため停止しました。",
    pause_turn: "Claude はここで一時停止しました。",
    tool_use: "Claude はここでは実行できないツールを呼び出し、結果を待っています。",
    model_context_window_exceeded: "会話がモデルのコンテキストの上限に達しました。",
  },
  stoppedFor: (reason) => `停止しました: ${reason.replaceAll("_", " ")}。`,
  stopHint: {
    refusal: "別の言い方で尋ねるか、別のモデルを選んでください。ここまでの文章は回答として頼らないでください。",
    model_context_window_exceeded: "新しい会話を始めるか、より多くを受け付けるモデルを選んでください。",
  },
  refusedFor: {
    cyber: "コンピューターへの攻撃",
    bio: "生命への危険",
    frontier_llm: "大規模言語モデルの構築",
    reasoning_extraction: "思考の抽出",
    general_harms: "人への危害",
  },

  fault: {
    network_error: [
      "ゲートウェイに接続できません",
      "ゲートウェイか途中の経路が停止しています。書いた内容は失われていません。",
    ],
    interrupted: [
      "中断されました",
      "ゲートウェイはこの回答をもう保持していません。再起動したか、時間が経ちすぎました。届いた分は残っています。",
    ],
    invalid_request_error: ["この内容は送れません", "リクエスト自体に受け付けられない点があります。"],
    authentication_error: ["サインインしていません", "このゲートウェイは利用者の確認を必要とします。"],
    signed_out_elsewhere: [
      "サインアウトされています",
      "サインインはこのゲートウェイの手前で行われます。そこでサインインしてからページを再読み込みしてください。下書きは残ります。",
    ],
    no_models: ["尋ねられるモデルがありません", "このゲートウェイの管理者が GATEWAY_MODELS で指定します。"],
    permission_error: ["許可されていません", "このゲートウェイはこのようなリクエストを受け付けません。"],
    not_found_error: ["見つかりません", "求められたものはここにはありません。"],
    request_too_large: ["大きすぎます", "会話がゲートウェイの受け付ける大きさを超えました。"],
    rate_limit_error: ["リクエストが多すぎます", "上限に達しました。時間が経てば解消します。"],
    overloaded_error: [
      "Claude が混み合っています",
      "あなたのせいではなく、リクエストにも問題はありません。通常すぐに収まります。",
    ],
    timeout_error: [
      "Claude の応答に時間がかかりすぎました",
      "あなたのせいではありません。もう一度尋ねるとうまくいくことが多いです。",
    ],
    api_error: ["途中で問題が起きました", "あなたのせいではありません。ゲートウェイか Claude の側で起きました。"],
  },
  goOn: "続ける",
  goOnPrompt: "止まったところからそのまま続けてください。",
  copyAnswer: "回答をコピー",
  verified: "欠落なし",
  verifiedWhy: "届いた内容のチェックサムがゲートウェイの送ったものと一致しました",
  damaged: "届いた内容がゲートウェイの送ったものと異なります。",
  citation: (n) => `出典 ${number(n)}`,
  pages: (from, to) => (to > from ? `${number(from)}–${number(to)} ページ` : `${number(from)} ページ`),
  tryAgain: "もう一度試す",
  tryAgainIn: (s) => `${wait(s)}後に試せます`,
  requestId: (id) => `リクエスト ${id}`,

  meta: {
    ttft: (ms) => `最初のトークンまで ${time(ms)}`,
    rate: (rate) => `${measure(rate)} トークン/秒`,
    input: (n) => `入力 ${number(n)}`,
    output: (n) => `出力 ${number(n)}`,
    cached: (n) => `キャッシュ ${number(n)}`,
    cost: (usd) => dollars(usd),
  },
};
