// SPDX-License-Identifier: MIT

using System;
using System.Runtime.InteropServices;

/// A library handle that the runtime keeps alive during each call and gives back at most once.
internal sealed class Handle : SafeHandle {
    internal delegate void Release(IntPtr owned);

    /// Stands for a handle that is not there.
    internal static readonly Handle None = new Handle(IntPtr.Zero, owned => { });

    private readonly Release release;

    internal Handle(IntPtr pointer, Release release) : base(IntPtr.Zero, true) {
        this.release = release;
        SetHandle(pointer);
    }

    public override bool IsInvalid => handle == IntPtr.Zero;

    protected override bool ReleaseHandle() {
        release(handle);
        return true;
    }
}
