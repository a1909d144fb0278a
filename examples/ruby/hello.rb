# SPDX-License-Identifier: MIT
require "mtdb"

Dir.mkdir("tenants") unless Dir.exist?("tenants")
Mtdb.open("sqlite:tenants") do |db|
  db.tenants.create("acme") unless db.tenants.exist?("acme")
  db.tenant("acme") do |t|
    t.script("DROP TABLE IF EXISTS tool; CREATE TABLE tool(id INTEGER PRIMARY KEY, name TEXT)")
    t.exec_many("INSERT INTO tool(name) VALUES (?)", [["hammer"], ["nail"]])
    puts "#{t.tenant}: #{t.query("SELECT id, name FROM tool").map { |id, name| "#{id} #{name}" }.join(", ")}"
  end
end
