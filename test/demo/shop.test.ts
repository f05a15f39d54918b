import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createShopServer } from "../../src/demo/shop.ts";

interface Shop {
  readonly client: Client;
  /** Calls a tool that must succeed, and gives its structured value. */
  call<T extends z.ZodType>(tool: string, args: object, shape: T): Promise<z.infer<T>>;
  /** Calls a tool that must fail, and gives its text. */
  refusal(tool: string, args: object): Promise<string>;
}

async function openShop(options?: { seed: number }): Promise<Shop> {
  const server = createShopServer(options);
  const [near, far] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "0" });
  await server.connect(far);
  await client.connect(near);
  onTestFinished(() => client.close());
  const callTool = (name: string, args: object) => client.callTool({ name, arguments: { ...args } });
  return {
    client,
    async call(tool, args, shape) {
      const result = await callTool(tool, args);
      expect(result.isError, JSON.stringify(result.content)).not.toBe(true);
      return shape.parse(result.structuredContent);
    },
    async refusal(tool, args) {
      const result = await callTool(tool, args);
      expect(result.isError).toBe(true);
      return z.tuple([z.object({ text: z.string() })]).parse(result.content)[0].text;
    },
  };
}

const page = z.object({
  items: z.array(z.looseObject({ id: z.string() })),
  page: z.int(),
  pages: z.int(),
  total: z.int(),
});
const stock = z.object({ product_id: z.string(), quantity: z.int(), reorder_level: z.int() });
const order = z.object({
  id: z.string(),
  customer_id: z.string(),
  date: z.string(),
  status: z.string(),
  lines: z.array(z.object({ product_id: z.string(), quantity: z.int(), unit_price_cents: z.int() })),
});

async function allItems({ call }: Shop, tool: string, args: object = {}): Promise<{ id: string }[]> {
  const first = await call(tool, { ...args, page: 1 }, page);
  const items = [...first.items];
  for (let next = 2; next <= first.pages; next++)
    items.push(...(await call(tool, { ...args, page: next }, page)).items);
  expect(items.length).toBe(first.total);
  return items;
}

test("two shops of one seed hold the same rows, and another seed gives others", async () => {
  const [one, same, other] = [await openShop(), await openShop(), await openShop({ seed: 7 })];
  const rows = await allItems(one, "list_orders");
  expect(await allItems(same, "list_orders")).toEqual(rows);
  expect(await allItems(other, "list_orders")).not.toEqual(rows);
});

test("every row can be reached page by page, once", async () => {
  const shop = await openShop();
  for (const [tool, count] of [
    ["list_customers", 120],
    ["list_products", 60],
    ["list_orders", 600],
  ] as const) {
    const ids = (await allItems(shop, tool)).map((item) => item.id);
    expect(new Set(ids).size, tool).toBe(count);
  }
});

test("a page after the last one is empty", async () => {
  const { call } = await openShop();
  expect(await call("list_products", { page: 99 }, page)).toEqual({
    items: [],
    page: 99,
    pages: 3,
    total: 60,
  });
});

test("the regions together are all customers", async () => {
  const shop = await openShop();
  const regions = await Promise.all(
    ["north", "east", "south", "west"].map((region) => allItems(shop, "list_customers", { region })),
  );
  expect(regions.every((rows) => rows.length > 0)).toBe(true);
  expect(regions.flat().length).toBe(120);
});

test("filters of orders combine, both days included", async () => {
  const shop = await openShop();
  const found = order
    .omit({ lines: true })
    .array()
    .parse(
      await allItems(shop, "list_orders", { status: "delivered", from: "2026-03-01", to: "2026-03-31" }),
    );
  expect(found.length).toBeGreaterThan(10);
  for (const each of found) {
    expect(each.status).toBe("delivered");
    expect(each.date >= "2026-03-01" && each.date <= "2026-03-31").toBe(true);
  }
  const first = found[0]?.date ?? "";
  const day = await shop.call("list_orders", { from: first, to: first }, page);
  expect(day.items.map((item) => item.id)).toContain(found[0]?.id);
});

test("an order's lines name products, and its customer exists", async () => {
  const { call } = await openShop();
  const details = await call("get_order", { id: "O0123" }, order);
  expect(details.lines.length).toBeGreaterThan(0);
  for (const line of details.lines)
    expect((await call("get_stock", { product_id: line.product_id }, stock)).product_id).toBe(
      line.product_id,
    );
  const customer = z.looseObject({ id: z.string() });
  expect((await call("get_customer", { id: details.customer_id }, customer)).id).toBe(details.customer_id);
});

test.each([
  ["get_customer", { id: "C999" }, 'There is no customer "C999". Ids go from C001 to C120.'],
  ["get_order", { id: "nope" }, 'There is no order "nope". Ids go from O0001 to O0600.'],
  ["get_stock", { product_id: "" }, 'There is no product "". Ids go from P01 to P60.'],
  ["list_orders", { customer_id: "C000" }, 'There is no customer "C000". Ids go from C001 to C120.'],
  [
    "place_order",
    { customer_id: "C001", product_id: "P99", quantity: 1 },
    'There is no product "P99". Ids go from P01 to P60.',
  ],
])("%s with an unknown id says which ids there are", async (tool, args, message) => {
  const { refusal } = await openShop();
  expect(await refusal(tool, args)).toBe(message);
});

test("place_order takes the pieces out of stock and adds an order; a second call does it again", async () => {
  const { call } = await openShop();
  const before = await call("get_stock", { product_id: "P01" }, stock);
  const placed = z.object({ order, stock });
  const args = { customer_id: "C001", product_id: "P01", quantity: 2 };

  const first = await call("place_order", args, placed);
  const second = await call("place_order", args, placed);

  expect([first.order.id, second.order.id]).toEqual(["O0601", "O0602"]);
  expect((await call("get_stock", { product_id: "P01" }, stock)).quantity).toBe(before.quantity - 4);
  expect(await call("get_order", { id: "O0602" }, order)).toEqual(second.order);
});

test("place_order refuses more than there is and changes nothing", async () => {
  const shop = await openShop();
  const products = await allItems(shop, "list_products");
  const stocks = await Promise.all(
    products.map(({ id }) => shop.call("get_stock", { product_id: id }, stock)),
  );
  const scarce = stocks.find(({ quantity }) => quantity < 100);
  if (scarce === undefined) throw new Error("every product is plentiful");
  const { product_id, quantity } = scarce;

  const text = await shop.refusal("place_order", { customer_id: "C001", product_id, quantity: quantity + 1 });

  expect(text).toBe(`Only ${quantity} of ${product_id} are in stock, ${quantity + 1} were asked for.`);
  expect((await shop.call("get_stock", { product_id }, stock)).quantity).toBe(quantity);
  expect((await shop.call("list_orders", {}, page)).total).toBe(600);
});

test("each tool says what it takes and gives, and all but place_order read only", async () => {
  const { client } = await openShop();
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name).sort()).toEqual([
    "get_customer",
    "get_order",
    "get_stock",
    "list_customers",
    "list_orders",
    "list_products",
    "place_order",
  ]);
  for (const tool of tools) {
    expect(tool.description?.length, tool.name).toBeGreaterThan(20);
    expect(tool.outputSchema?.["type"], tool.name).toBe("object");
    expect(tool.annotations?.readOnlyHint, tool.name).toBe(tool.name !== "place_order");
  }
});
