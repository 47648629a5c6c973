export const SERVE_USAGE = 'remit serve --config FILE [--dev] [--listen HOST:PORT] [--data DIR]   run Remit';
