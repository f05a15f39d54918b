/**
 * The demo's data server: a shop whose questions need joins and loops. As in most real APIs, lists come in pages of
 * summaries, details come one at a time, and related data is spread over several tools.
 */
import { type CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import {
  categories,
  createShopData,
  numbered,
  type Order,
  orderStatuses,
  regions,
  type ShopData,
  segments,
} from "./shop-data.ts";

const PAGE_SIZE = 25;
const DEFAULT_SEED = 20_260_930;

/**
 * Makes the MCP server `shop`: 120 customers, 60 products with stock, 600 orders from 2026-01-01 to 2026-09-30.
 * Equal seeds give equal rows. The server is one object for one connection; `place_order` changes its rows.
 */
export function createShopServer(options: { readonly seed?: number } = {}): McpServer {
  const shop = createShopData(options.seed ?? DEFAULT_SEED);
  const server = new McpServer({ name: "shop", version: "1.0.0" });
  registerCustomers(server, shop);
  registerProducts(server, shop);
  registerOrders(server, shop);
  registerPlaceOrder(server, shop);
  return server;
}

const READS = { readOnlyHint: true, openWorldHint: false } as const;

const customerSchema = z.object({
  id: z.string().describe("For example C042"),
  name: z.string(),
  email: z.string(),
  region: z.enum(regions),
  segment: z.enum(segments),
  since: z.string().describe("ISO date"),
});
const productSchema = z.object({
  id: z.string().describe("For example P07"),
  name: z.string(),
  category: z.enum(categories),
  price_cents: z.int().describe("Price of one piece in euro cents"),
});
const stockSchema = z.object({
  product_id: z.string(),
  quantity: z.int().describe("Pieces in stock"),
  reorder_level: z.int().describe("At or below this quantity the product should be reordered"),
});
const orderSummarySchema = z.object({
  id: z.string().describe("For example O0123"),
  customer_id: z.string(),
  date: z.string().describe("ISO date"),
  status: z.enum(orderStatuses),
  line_count: z.int(),
});
const orderSchema = z.object({
  id: z.string(),
  customer_id: z.string(),
  date: z.string().describe("ISO date"),
  status: z.enum(orderStatuses),
  lines: z.array(
    z.object({
      product_id: z.string(),
      quantity: z.int(),
      unit_price_cents: z.int().describe("Price of one piece when it was ordered, in euro cents"),
    }),
  ),
});

const pageInput = z.int().min(1).default(1).describe("Page number, from 1");
const isoDate = z.iso.date();

function registerCustomers(server: McpServer, shop: ShopData): void {
  server.registerTool(
    "list_customers",
    {
      description: `List customers by id, ${PAGE_SIZE} per page. Optionally only those of one region.`,
      inputSchema: z.object({ region: z.enum(regions).optional(), page: pageInput }),
      outputSchema: pageOf(customerSchema),
      annotations: READS,
    },
    ({ region, page }) =>
      answer(
        paginate(
          shop.customers.filter((each) => region === undefined || each.region === region),
          page,
        ),
      ),
  );
  server.registerTool(
    "get_customer",
    {
      description: "Get one customer by id.",
      inputSchema: z.object({ id: z.string().describe("For example C042") }),
      outputSchema: customerSchema,
      annotations: READS,
    },
    ({ id }) => {
      const customer = shop.customers.find((each) => each.id === id);
      return customer ? answer(customer) : refuse(unknown("customer", id, shop.customers));
    },
  );
}

function registerProducts(server: McpServer, shop: ShopData): void {
  server.registerTool(
    "list_products",
    {
      description: `List products by id with their prices, ${PAGE_SIZE} per page. Optionally only those of one category. Stock is a call of its own: get_stock.`,
      inputSchema: z.object({ category: z.enum(categories).optional(), page: pageInput }),
      outputSchema: pageOf(productSchema),
      annotations: READS,
    },
    ({ category, page }) =>
      answer(
        paginate(
          shop.products.filter((each) => category === undefined || each.category === category),
          page,
        ),
      ),
  );
  server.registerTool(
    "get_stock",
    {
      description: "Get how many pieces of one product are in stock.",
      inputSchema: z.object({ product_id: z.string().describe("For example P07") }),
      outputSchema: stockSchema,
      annotations: READS,
    },
    ({ product_id }) => {
      const stock = shop.stock.get(product_id);
      return stock ? answer({ ...stock }) : refuse(unknown("product", product_id, shop.products));
    },
  );
}

function registerOrders(server: McpServer, shop: ShopData): void {
  server.registerTool(
    "list_orders",
    {
      description: `List orders, oldest first, ${PAGE_SIZE} per page, without their lines: those are in get_order. Filters may be combined. The orders go from 2026-01-01 to ${shop.today}.`,
      inputSchema: z.object({
        customer_id: z.string().optional(),
        status: z.enum(orderStatuses).optional(),
        from: isoDate.optional().describe("First day, ISO date, inclusive"),
        to: isoDate.optional().describe("Last day, ISO date, inclusive"),
        page: pageInput,
      }),
      outputSchema: pageOf(orderSummarySchema),
      annotations: READS,
    },
    ({ customer_id, status, from, to, page }) => {
      if (customer_id !== undefined && !shop.customers.some((each) => each.id === customer_id))
        return refuse(unknown("customer", customer_id, shop.customers));
      const found = shop.orders.filter(
        (each) =>
          (customer_id === undefined || each.customer_id === customer_id) &&
          (status === undefined || each.status === status) &&
          (from === undefined || each.date >= from) &&
          (to === undefined || each.date <= to),
      );
      return answer(paginate(found.map(summarize), page));
    },
  );
  server.registerTool(
    "get_order",
    {
      description: "Get one order with its lines: product ids, quantities and prices.",
      inputSchema: z.object({ id: z.string().describe("For example O0123") }),
      outputSchema: orderSchema,
      annotations: READS,
    },
    ({ id }) => {
      const order = shop.orders.find((each) => each.id === id);
      return order ? answer({ ...order }) : refuse(unknown("order", id, shop.orders));
    },
  );
}

function registerPlaceOrder(server: McpServer, shop: ShopData): void {
  server.registerTool(
    "place_order",
    {
      description:
        "Place an order of one product for a customer and take the pieces out of stock. Calling twice orders twice.",
      inputSchema: z.object({
        customer_id: z.string(),
        product_id: z.string(),
        quantity: z.int().min(1).max(100),
      }),
      outputSchema: z.object({ order: orderSchema, stock: stockSchema }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    ({ customer_id, product_id, quantity }) => {
      const customer = shop.customers.find((each) => each.id === customer_id);
      if (!customer) return refuse(unknown("customer", customer_id, shop.customers));
      const product = shop.products.find((each) => each.id === product_id);
      const stock = shop.stock.get(product_id);
      if (!product || !stock) return refuse(unknown("product", product_id, shop.products));
      if (stock.quantity < quantity)
        return refuse(`Only ${stock.quantity} of ${product_id} are in stock, ${quantity} were asked for.`);
      stock.quantity -= quantity;
      const order: Order = {
        id: numbered("O", shop.orders.length + 1, 4),
        customer_id,
        date: shop.today,
        status: "open",
        lines: [{ product_id, quantity, unit_price_cents: product.price_cents }],
      };
      shop.orders.push(order);
      return answer({ order, stock: { ...stock } });
    },
  );
}

function pageOf<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; page: z.ZodInt; pages: z.ZodInt; total: z.ZodInt }> {
  return z.object({
    items: z.array(item),
    page: z.int(),
    pages: z.int().describe("How many pages there are; the last one is page number `pages`"),
    total: z.int().describe("How many items all pages hold"),
  });
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly page: number;
  readonly pages: number;
  readonly total: number;
}

/** A page after the last one is empty, so that a loop may also stop at `items.length === 0`. */
function paginate<Item>(all: readonly Item[], page: number): Page<Item> {
  return {
    items: all.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE),
    page,
    pages: Math.ceil(all.length / PAGE_SIZE),
    total: all.length,
  };
}

function summarize({ lines, ...order }: Order): Omit<Order, "lines"> & { readonly line_count: number } {
  return { ...order, line_count: lines.length };
}

/** The structured value, and its text for clients that read only text. */
function answer(value: object): CallToolResult {
  return { content: [{ type: "text", text: JSON.stringify(value) }], structuredContent: { ...value } };
}

function refuse(message: string): CallToolResult {
  return { content: [{ type: "text", text: message }], isError: true };
}

function unknown(kind: string, id: string, rows: readonly { readonly id: string }[]): string {
  return `There is no ${kind} ${JSON.stringify(id)}. Ids go from ${rows[0]?.id} to ${rows.at(-1)?.id}.`;
}
